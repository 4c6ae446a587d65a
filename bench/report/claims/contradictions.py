"""Contradictions between the paper's own figures, by arithmetic, and with counts of the networks they are said of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.report.claims.claims import Claim, evaluate, holds
from bench.report.published import METRICS, PaperFigure
from bench.report.tables.sheet import Entry, Header, Sheet
from bench.runs.records.cost import CountedFigure

Printed = Mapping[PaperFigure, float]

HALF = {"mIoU": 0.05, "GFLOPs": 0.05, "params_M": 0.05}
"""Half of the last digit that Tables 1, 2 and 3a print."""
FLOW = PaperFigure("3b", "Query-based flow maps", "-", "params_M")
OPTICAL_FLOW = PaperFigure("3b", "Optical flow", "-", "params_M")
CLASS_PARAMETERS = 257 * (124 - 19) / 1e6
"""Millions that the class head has more for VSPW's 124 classes than for Cityscapes' 19: 256 weights and a bias each."""
SAME_ROWS = {"Per-frame": "Mask2Former", "Ours": "MPVSS"}
"""Columns of Table 3a that are rows of Table 1."""


@dataclass(frozen=True)
class Contradiction:
    """Two things that the paper says and that cannot both be right."""

    where: str
    what: str
    printed: float
    implied: float
    by: str


def contradictions(printed: Printed, claims: Sequence[Claim]) -> list[Contradiction]:
    """All that were found, by rule."""
    rules = (_same_quantity, _same_network, _sum_of_parts)
    found = [item for rule in rules for item in rule(printed)]
    return [*found, *_motion_cost(printed), *_texts(printed, claims)]


def _same_quantity(printed: Printed) -> Iterator[Contradiction]:
    """One mIoU in two tables."""
    for figure, value in printed.items():
        if figure.table == "3a" and figure.method in SAME_ROWS:
            other = PaperFigure("1", SAME_ROWS[figure.method], figure.backbone, figure.metric)
        elif figure.table == "3b" and figure.metric == "mIoU":
            method = "Ours" if figure.method == FLOW.method else figure.method
            other = PaperFigure("3a", method, figure.backbone, figure.metric)
        else:
            continue
        if other in printed and printed[other] != value:
            what = f"{other.method} {figure.backbone}, mIoU (%)"
            yield Contradiction(f"Table {figure.table}", what, value, printed[other], f"Table {other.table}")


def _same_network(printed: Printed) -> Iterator[Contradiction]:
    """Mask2Former's parameters in Tables 1 and 2 differ by the class head alone."""
    for figure, value in printed.items():
        other = figure._replace(table="2")
        if (figure.table, figure.method, figure.metric) == ("1", "Mask2Former", "params_M") and other in printed:
            implied = printed[other] + CLASS_PARAMETERS
            if abs(value - implied) > 2 * HALF["params_M"]:
                by = "Table 2, and 105 classes more"
                yield Contradiction("Table 1", f"Mask2Former {figure.backbone}, Params (M)", value, implied, by)


def _sum_of_parts(printed: Printed) -> Iterator[Contradiction]:
    """A method has Mask2Former's parameters and those of its flow network."""
    for figure, value in printed.items():
        if figure.metric != "params_M" or figure.table not in ("1", "2"):
            continue
        flow = {"MPVSS": FLOW, "Mask2Former-DFF": OPTICAL_FLOW, "Mask2Former-Accel": OPTICAL_FLOW}.get(figure.method)
        if flow is None:
            continue
        parts = [PaperFigure(figure.table, "Mask2Former", name, "params_M") for name in figure.backbone.split("+")]
        implied = sum(printed[part] for part in parts) + printed[flow]
        if abs(value - implied) > (1 + len(parts)) * HALF["params_M"] + 0.005:
            by = " + ".join(f"{printed[part]:g}" for part in [*parts, flow])
            what = f"{figure.method} {figure.backbone}, Params (M)"
            yield Contradiction(f"Table {figure.table}", what, value, implied, by)


def _motion_cost(printed: Printed) -> Iterator[Contradiction]:
    """Contradictions of the cost of 3 key frames and 12 non-key frames in 15, at a table's median non-key cost."""
    for table in ("1", "2"):
        rows = {
            f.backbone: v for f, v in printed.items() if (f.table, f.method, f.metric) == (table, "MPVSS", "GFLOPs")
        }
        key = {backbone: printed[PaperFigure(table, "Mask2Former", backbone, "GFLOPs")] for backbone in rows}
        motion = sorted((5 * value - key[backbone]) / 4 for backbone, value in rows.items())
        usual = motion[len(motion) // 2]
        for backbone, value in rows.items():
            implied = (key[backbone] + 4 * usual) / 5
            if abs(value - implied) > 4 * HALF["GFLOPs"]:
                by = f"Mask2Former's {key[backbone]:g} and {usual:g} for each non-key frame"
                yield Contradiction(f"Table {table}", f"MPVSS {backbone}, GMACs", value, implied, by)


def _texts(printed: Printed, claims: Sequence[Claim]) -> Iterator[Contradiction]:
    """What the text says of the tables, to the digits that it prints."""
    for claim in claims:
        for case, expected in claim.cases() if claim.value else ():
            value = evaluate(claim, case, printed.get)
            digits = len(f"{expected:g}".partition(".")[2]) or claim.digits  # 1.0 is read as 1
            exact = replace(claim, tolerance=0.5 * 10**-digits)
            if value is not None and not holds(exact, expected, value):
                yield Contradiction(claim.where, f"{claim.quantity} {case}".strip(), expected, value, "the tables")


def counted_contradictions(counted: Sequence[CountedFigure]) -> list[Contradiction]:
    """Costs of other publications' rows that no network gives at the size and with the method that are printed."""
    return [
        Contradiction(
            f"Table {cell.table}",
            f"{cell.method} {cell.backbone}, {METRICS[cell.quantity].title}",
            cell.printed,
            cell.counted,
            f"a count of {cell.what}: {cell.note}",
        )
        for cell in counted
        if cell.status == "contradiction"
    ]


def contradictions_sheet(found: Sequence[Contradiction]) -> Sheet:
    """The contradictions as a table."""
    return Sheet(
        name="contradictions",
        title="Figures of the paper that others of its figures, or a count, contradict",
        headers=(
            Header("What", number=False),
            Header("Where", number=False),
            Header("Printed"),
            Header("Implied"),
            Header("By", number=False),
        ),
        rows=tuple(
            (
                Entry(c.what),
                Entry(c.where),
                Entry(f"{c.printed:g}", c.printed),
                Entry(f"{c.implied:.2f}".removesuffix("0"), c.implied),
                Entry(c.by),
            )
            for c in found
        ),
        notes=(
            "Found by arithmetic over its tables, and by counting; differences that rounding explains are left out.",
        ),
    )
