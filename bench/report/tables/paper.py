"""The paper's Tables 1, 2, 3a and 3b: printed beside measured beside the deviation, every row of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.published import METRICS, Measured, Measurements, PaperFigure
from bench.report.tables.card import measured_fps, short_name
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, mark_columns, marked, number
from bench.runs.card_folder import MeasuredCard

TITLES = {
    "1": "Table 1: VSPW, 480x853, interval 5",
    "2": "Table 2: Cityscapes, 1024x2048, interval 5",
    "3a": "Table 3a: mIoU (%) of ways to propagate on VSPW, interval 5",
    "3b": "Table 3b: flow designs on VSPW, interval 5; parameters of the flow alone",
}
DATA_NOTES = {
    "1": "Needed for the accuracies: VSPW's validation split and trained weights.",
    "2": "Needed for the accuracies: Cityscapes' validation split with its sequences and trained weights.",
}
NOTE = (
    "The paper's GFLOPs are GMACs, the mean of a 15-frame clip; its FPS are of an NVIDIA V100. MACs and parameters "
    "under “here” are counted on the published graph. Deviations of percentages are in points, all others in % of the "
    "printed figure. Best and second best of each column are marked."
)
COUNTED = ("GFLOPs", "params_M")
"""Metrics that are counted, not measured."""
CARD_NOTE = (
    "FPS with † were measured by this project on the card named above them, by the paper's protocol, in scope model, "
    "in float32 without TF32; they are of another card than the paper's."
)
PROPAGATED = ("Copy", "Optical flow", "Ours")
"""The columns of Table 3a that compete; per-frame is what they are held against."""


def paper_tables(
    published: Mapping[PaperFigure, float], measurements: Measurements, cards: Sequence[MeasuredCard] = ()
) -> list[Sheet]:
    """All four, in the paper's order and grouping. A column 'here' is there where something of it was measured.

    Tables 1 and 2 have a column of FPS for each card that was measured on whole frames.
    """
    found = {figure: measurements.find(figure) for figure in published}
    return [_by_row(table, published, found, cards) for table in ("1", "2")] + _ablations(published, found)


def _by_row(
    table: str,
    published: Mapping[PaperFigure, float],
    found: Mapping[PaperFigure, Measured | None],
    cards: Sequence[MeasuredCard],
) -> Sheet:
    """Tables 1 and 2: a row for each method and backbone."""
    rows = list(dict.fromkeys((f.method, f.backbone) for f in published if f.table == table))
    metrics = [metric for metric in METRICS if any(f.table == table and f.metric == metric for f in published)]
    headers = [Header("Method", number=False), Header("Backbone", number=False)]
    higher: dict[int, bool] = {}
    columns: list[list[Entry]] = []
    for metric in metrics:
        figures = [PaperFigure(table, *row, metric) for row in rows]
        for name, entries in _columns(metric, figures, published, found):
            if name != "deviation":
                higher[len(headers)] = METRICS[metric].higher
            headers.append(Header(name, METRICS[metric].title))
            columns.append(entries)
    of_cards = _card_columns([PaperFigure(table, *row, "FPS") for row in rows], cards)
    for name, entries in of_cards:
        higher[len(headers)] = True
        headers.append(Header(name, METRICS["FPS"].title, measured=True))
        columns.append(entries)
    status = [Entry(_status([PaperFigure(table, *row, metric) for metric in metrics], found)) for row in rows]
    headers.append(Header("Status", number=False))
    heads = [[Entry(method), Entry(backbone)] for method, backbone in rows]
    body = [[*head, *entries] for head, *entries in zip(heads, *columns, status, strict=True)]
    return Sheet(
        name=f"table-{table}",
        title=TITLES[table],
        headers=tuple(headers),
        rows=tuple(map(tuple, mark_columns(body, higher))),
        notes=(NOTE, *([CARD_NOTE] if of_cards else []), DATA_NOTES[table], *_remarks(table, found)),
        rules=frozenset(_group_starts([method for method, _ in rows])),
    )


def _card_columns(figures: Sequence[PaperFigure], cards: Sequence[MeasuredCard]) -> list[tuple[str, list[Entry]]]:
    """The FPS of each card that has any of these."""
    columns = []
    for card in cards:
        speeds = measured_fps(card)
        if any(figure in speeds for figure in figures):
            columns.append((f"{short_name(card)}, measured", [number(speeds.get(figure), 2) for figure in figures]))
    return columns


def _ablations(published: Mapping[PaperFigure, float], found: Mapping[PaperFigure, Measured | None]) -> list[Sheet]:
    return [_grid("3a", published, found, by_backbone=True), _grid("3b", published, found, by_backbone=False)]


def _grid(
    table: str,
    published: Mapping[PaperFigure, float],
    found: Mapping[PaperFigure, Measured | None],
    *,
    by_backbone: bool,
) -> Sheet:
    """Tables 3a and 3b: methods against backbones; 3b has the flow's parameters as the first of these."""
    figures = [figure for figure in published if figure.table == table]
    methods = list(dict.fromkeys(figure.method for figure in figures))
    backbones = list(dict.fromkeys(figure.backbone for figure in figures))
    down, across = (backbones, methods) if by_backbone else (methods, backbones)
    headers = [Header("Backbone" if by_backbone else "Flow design", number=False)]
    higher: dict[int, bool] = {}
    columns: list[list[Entry]] = []
    for place in across:
        metric = "params_M" if place == "-" else "mIoU"
        of_place = [PaperFigure(table, *((place, row) if by_backbone else (row, place)), metric) for row in down]
        for name, entries in _columns(metric, of_place, published, found, digits=2 if place == "-" else None):
            if name != "deviation" and not by_backbone:
                higher[len(headers)] = METRICS[metric].higher
            headers.append(Header(name, METRICS[metric].title if place == "-" else place))
            columns.append(entries)
    rows = [[Entry(name), *entries] for name, *entries in zip(down, *columns, strict=True)]
    if by_backbone:
        competing = [i for i, h in enumerate(headers) if h.group in PROPAGATED and h.text == "paper"]
        rows = [marked(row, higher=True, only=competing) for row in rows]
    status = [Entry(_status([f for f in figures if row in (f.method, f.backbone)], found)) for row in down]
    headers.append(Header("Status", number=False))
    return Sheet(
        name=f"table-{table}",
        title=TITLES[table],
        headers=tuple(headers),
        rows=tuple((*row, entry) for row, entry in zip(mark_columns(rows, higher), status, strict=True)),
        notes=(DATA_NOTES["1"], *_remarks(table, found)),
    )


def _columns(
    metric: str,
    figures: Sequence[PaperFigure],
    published: Mapping[PaperFigure, float],
    found: Mapping[PaperFigure, Measured | None],
    digits: int | None = None,
) -> list[tuple[str, list[Entry]]]:
    """The columns of a metric: 'paper', and where anything was measured 'here' and 'deviation'."""
    about = METRICS[metric]
    digits = about.digits if digits is None else digits
    printed = [published.get(figure) for figure in figures]
    measured = [found.get(figure) for figure in figures]
    columns = [("paper", [number(value, digits) for value in printed])]
    if any(measured):
        columns.append(("here", [MISSING if m is None else number(m.value, digits) for m in measured]))
        pairs = zip(printed, measured, strict=True)
        columns.append(("deviation", [_deviation(p, m, relative=about.relative) for p, m in pairs]))
    return columns


def _deviation(printed: float | None, measured: Measured | None, *, relative: bool) -> Entry:
    if printed is None or measured is None:
        return MISSING
    value = 100 * (measured.value / printed - 1) if relative else measured.value - printed
    return Entry(f"{value:+.2f}%" if relative else f"{value:+.1f}", value)


def _status(figures: Sequence[PaperFigure], found: Mapping[PaperFigure, Measured | None]) -> str:
    titles = {metric: METRICS[metric].title.split(" (")[0] for metric in METRICS}
    here = dict.fromkeys(f.metric for f in figures if found.get(f))
    counted = [titles[metric] for metric in here if metric in COUNTED]
    measured = [titles[metric] for metric in here if metric not in COUNTED]
    parts = [f"{how}: {', '.join(names)}" for how, names in (("counted", counted), ("measured", measured)) if names]
    return "; ".join(parts) or "published only"


def _remarks(table: str, found: Mapping[PaperFigure, Measured | None]) -> list[str]:
    return [
        f"{figure.method} {figure.backbone}, {METRICS[figure.metric].title}: {measured.note}."
        for figure, measured in found.items()
        if measured and measured.note and figure.table == table
    ]


def _group_starts(methods: Sequence[str]) -> list[int]:
    """Rows where the project's own methods or another of them begins, as the paper rules its tables off."""
    ruled = ("Mask2Former", "Mask2Former-DFF", "MPVSS")
    return [methods.index(name) for name in ruled if name in methods]
