"""What was measured of a card: speeds beside the paper's V100, labels, modes, profiles, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.report.published import PaperFigure, read_published
from bench.report.tables.formats import as_markdown
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number
from bench.runs.card_folder import MeasuredCard
from bench.runs.records.card import CardCell, SpeedPrediction
from bench.runs.records.timing import CellTiming

MEBI = 2.0**-20
STAGES = 3
"""How many stages of a profile are named."""
SPEED_NOTE = (
    "“V100, paper” is published; figures with † were measured here by the paper's protocol: clips of 15 "
    "frames, interval 5, batch 1, scope model (from the frame on the device to the scores of all classes there), "
    "float32 without TF32, random weights. “~” is predicted, not measured: from operators, the data sheet and rates "
    "that were fitted to the rows marked “fitted”."
)
LABELS_NOTE = (
    "A key frame and the frame after it, in float32 without TF32, with random weights that give many classes. A tie is "
    "a pixel of which the CPU's scores of both labels are within 0.01 % of the range of all scores; ties count as "
    "agreement."
)
MODES_NOTE = "One factor at a time over float32 without TF32; the speed-up is over the row “float32” of the backbone."
PROFILE_NOTE = "Under the profiler, which slows work down: where time goes, not how fast a method is."


def card_sheets(card: MeasuredCard) -> list[Sheet]:
    """The tables of a card, of what it has."""
    sheets = (_speeds(card), _labels(card), _modes(card), _profiles(card), _failures(card))
    return [sheet for sheet in sheets if sheet.rows]


def card_text(card: MeasuredCard) -> str:
    """The summary of a card's folder, in Markdown."""
    environment, configuration = card.about.environment, card.about.configuration
    libraries = ", ".join(f"{name} {version}" for name, version in environment.libraries.items() if version)
    size = "those of the tables" if configuration.size is None else "x".join(map(str, configuration.size))
    lines = [
        f"- {card.name}; {environment.cpu}, {environment.threads} threads; {environment.date}",
        f"- {libraries}" + (f"; CUDA {environment.cuda}, driver {environment.driver}" if environment.driver else ""),
        f"- Frames: {size}; timed rounds: {configuration.rounds}",
    ]
    if configuration.size is not None:
        lines.append("- **A try on frames of another size than the paper's: its speeds are not to be compared.**")
    return "\n\n".join([f"# {card.name}", "\n".join(lines), *map(as_markdown, card_sheets(card))])


def measured_fps(card: MeasuredCard) -> dict[PaperFigure, float]:
    """The card's FPS by what the paper calls them: of whole frames, not of a try."""
    if card.about.configuration.size is not None:
        return {}
    return {_figure(cell): timing.fps_model for cell, timing in _timed(card, "fps") if timing.fps_model is not None}


def short_name(card: MeasuredCard) -> str:
    """The device without its maker."""
    return card.name.removeprefix("NVIDIA ")


def _speeds(card: MeasuredCard) -> Sheet:
    published = read_published()
    predictions = {
        (speed.table, speed.method, speed.backbone): speed
        for cell in card.good("prediction")
        if cell.prediction is not None
        for speed in cell.prediction.speeds
    }
    rows = [_speed_row(cell, timing, published, predictions) for cell, timing in _timed(card, "fps")]
    order = {figure: index for index, figure in enumerate(published)}
    rows.sort(key=lambda row: order.get(PaperFigure(row[0].text, row[1].text, row[2].text, "GFLOPs"), 0))
    return Sheet(
        name=f"card-{_stem(card)}-speed",
        title=f"Speed on {card.name}, measured, beside the paper's V100, published",
        headers=(
            Header("Table"),
            Header("Method", number=False),
            Header("Backbone", number=False),
            Header("V100, paper", "FPS"),
            Header(short_name(card), "FPS", measured=True),
            Header("key frame", "p50 (ms)", measured=True),
            Header("non-key frame", "p50 (ms)", measured=True),
            Header("key frame", "J", measured=True),
            Header("non-key frame", "J", measured=True),
            Header("Peak memory (MiB)", measured=True),
            Header("predicted", "FPS from kernels"),
            Header("error (%)", "FPS from kernels"),
            Header("by data sheet", "FPS from kernels"),
            Header("", "FPS from kernels", number=False),
        ),
        rows=tuple(rows),
        notes=(SPEED_NOTE, *_prediction_notes(card)),
        rules=frozenset(i for i in range(1, len(rows)) if rows[i][:2] != rows[i - 1][:2]),
    )


def _speed_row(
    cell: CardCell,
    timing: CellTiming,
    published: Mapping[PaperFigure, float],
    predictions: Mapping[tuple[str, str, str], SpeedPrediction],
) -> tuple[Entry, ...]:
    figure = _figure(cell)
    predicted = predictions.get((figure.table, figure.method, figure.backbone))
    memory = cell.memory and (cell.memory.device_peak_bytes or cell.memory.host_peak_bytes)
    return (
        *(Entry(text) for text in (figure.table, figure.method, figure.backbone)),
        number(published.get(figure), 2),
        number(timing.fps_model, 2),
        *_kinds(timing),
        number(timing.energy_key_j, 2),
        number(timing.energy_non_key_j, 2),
        number(None if memory is None else memory * MEBI, 0),
        *_predicted(predicted),
    )


def _predicted(speed: SpeedPrediction | None) -> tuple[Entry, Entry, Entry, Entry]:
    if speed is None:
        return MISSING, MISSING, MISSING, MISSING
    by_sheet = speed.by_data_sheet_fps
    return (
        Entry(f"~{speed.predicted_fps:.2f}", speed.predicted_fps, "predicted"),
        number(100 * (speed.predicted_fps / speed.measured_fps - 1), 1, "+"),
        MISSING if by_sheet is None else Entry(f"~{by_sheet:.2f}", by_sheet, "predicted"),
        Entry("fitted" if speed.fitted else ""),
    )


def _prediction_notes(card: MeasuredCard) -> Iterator[str]:
    for cell in card.good("prediction"):
        if cell.prediction is None:
            continue
        judged = [speed for speed in cell.prediction.speeds if not speed.fitted]
        rates = ", ".join(f"{name} {value:.3g}" for name, value in cell.prediction.rates.items())
        text = f"Predicted with the entry {cell.prediction.device} of the devices file; fitted: {rates}."
        if judged:
            errors = [abs(speed.predicted_fps / speed.measured_fps - 1) for speed in judged]
            mean = sum(errors) / len(errors)
            text += f" The rows that were not fitted ({len(judged)}) are off by {mean:.1%} in the mean, "
            text += f"{max(errors):.1%} at most."
        yield text


def _labels(card: MeasuredCard) -> Sheet:
    return Sheet(
        name=f"card-{_stem(card)}-labels",
        title=f"Labels on {card.name} beside those on the CPU",
        headers=(
            *(Header(name, number=False) for name in ("Method", "Backbone", "Frame")),
            *map(Header, ("Agreement (%)", "Pixels", "Unlike", "of these ties", "Widest gap", "Classes")),
        ),
        rows=tuple(
            (
                *(Entry(text) for text in (cell.method or "", cell.backbone or "", frame.frame)),
                number(100 * frame.agreement, 4),
                *(number(count, 0) for count in (frame.pixels, frame.unlike, frame.ties)),
                MISSING if frame.widest_gap is None else Entry(f"{frame.widest_gap:.2g}", frame.widest_gap),
                number(frame.classes, 0),
            )
            for cell in card.good("labels")
            for frame in cell.labels or ()
        ),
        notes=(LABELS_NOTE,),
    )


def _modes(card: MeasuredCard) -> Sheet:
    cells = sorted(_timed(card, "modes"), key=lambda pair: (pair[0].backbone or "", pair[0].mode != "float32"))
    plain = {cell.backbone: timing.fps_model for cell, timing in cells if cell.mode == "float32"}
    return Sheet(
        name=f"card-{_stem(card)}-modes",
        title=f"Ways to run on {card.name}, one factor at a time",
        headers=(
            *(Header(name, number=False) for name in ("Method", "Backbone", "Run as")),
            Header("FPS (model)", measured=True),
            Header("Speed-up", measured=True),
            Header("key frame", "p50 (ms)", measured=True),
            Header("non-key frame", "p50 (ms)", measured=True),
            Header("key frame", "J", measured=True),
            Header("non-key frame", "J", measured=True),
            Header("Compiling or capturing (s)", measured=True),
        ),
        rows=tuple(
            (
                *(Entry(text or "") for text in (cell.method, cell.backbone, cell.mode)),
                number(timing.fps_model, 2),
                number(_ratio(timing.fps_model, plain.get(cell.backbone)), 2),
                *_kinds(timing),
                number(timing.energy_key_j, 2),
                number(timing.energy_non_key_j, 2),
                number(timing.compile_seconds, 1),
            )
            for cell, timing in cells
        ),
        notes=(MODES_NOTE,),
    )


def _profiles(card: MeasuredCard) -> Sheet:
    names = ("ms on the host", "Kernels", "ms busy", "ms idle")
    return Sheet(
        name=f"card-{_stem(card)}-profile",
        title=f"Kernels of both kinds of frame on {card.name}",
        headers=(
            *(Header(name, number=False) for name in ("Method", "Backbone", "Frame")),
            *map(Header, names),
            Header("Longest stages (ms)", number=False),
        ),
        rows=tuple(
            (
                *(Entry(text or "") for text in (cell.method, cell.backbone, frame.frame)),
                number(frame.ms, 2),
                number(frame.launches, 0),
                number(frame.busy_ms, 2),
                number(frame.idle_ms, 2),
                Entry(", ".join(f"{stage} {ms:.2f}" for stage, ms in _longest(frame.stage_ms))),
            )
            for cell in card.good("profile")
            for frame in cell.profile or ()
        ),
        notes=(PROFILE_NOTE,),
    )


def _failures(card: MeasuredCard) -> Sheet:
    return Sheet(
        name=f"card-{_stem(card)}-failures",
        title=f"What could not be measured on {card.name}",
        headers=tuple(Header(name, number=False) for name in ("Part", "Cell", "Error")),
        rows=tuple(
            (Entry(cell.part), Entry(cell.name), Entry(" ".join(cell.error.split())[:300]))
            for cell in card.cells
            if cell.error is not None
        ),
    )


def _timed(card: MeasuredCard, part: str) -> Iterator[tuple[CardCell, CellTiming]]:
    for cell in card.good(part):
        if cell.timing is not None:
            yield cell, cell.timing


def _kinds(timing: CellTiming) -> tuple[Entry, Entry]:
    medians = {kind.kind: kind.p50_ms for kind in timing.kinds if kind.scope == "model"}
    return number(medians.get("key"), 2), number(medians.get("non-key"), 2)


def _figure(cell: CardCell) -> PaperFigure:
    return PaperFigure(cell.table or "", cell.paper_method or "", cell.paper_backbone or "", "FPS")


def _longest(stages: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(stages.items(), key=lambda item: -item[1])[:STAGES]


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _stem(card: MeasuredCard) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in card.name.lower()).split())
