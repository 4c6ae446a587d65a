"""Every cell of a card, in the order it is measured in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench.card.measuring import FACTORS, Fields, Measure, Measuring, RunAs, Subject, factors
from bench.card.prediction import MeasuredSpeed, predicted
from bench.card.rows import OF_OTHERS, SETTINGS, TableRow
from bench.methods.names import METHODS
from bench.runs.cell_folder import CellFolder
from bench.runs.records.card import CardCell, CardPart, cell_file
from mpvss.errors import UserError
from mpvss.presets import BACKBONES, SwinNumbers


@dataclass(frozen=True)
class Task:
    """A cell that is to be measured: what is known of it before, and what measures the rest."""

    part: CardPart
    name: str
    known: Fields
    measure: Measure


@dataclass(frozen=True)
class Scope:
    """What of the card is measured.

    Attributes:
        rows: of the paper's tables.
        backbones: of the labels, the modes, the peer and the profiles.
        size: height and width of every frame; None: those of the tables.

    """

    rows: Sequence[TableRow]
    backbones: Sequence[str]
    size: tuple[int, int] | None

    def subject(self, table: str, method: str, backbone: str) -> Subject:
        """A method with the classes and the frame size of a table."""
        size, num_classes = SETTINGS[table]
        return Subject(method, backbone, self.size or size, num_classes)


def tasks(part: CardPart, scope: Scope, measuring: Measuring, folder: CellFolder[CardCell]) -> Iterator[Task]:
    """The cells of a part."""
    if part == "labels":
        for method, backbone in _labelled(scope):
            subject = scope.subject("1", method, backbone)
            yield Task(part, f"{method}--{backbone}", subject.fields(), partial(measuring.labels, subject))
    elif part == "fps":
        for row in scope.rows:
            subject = scope.subject(row.table, row.method, row.backbone)
            known = {**subject.fields(), **_of_row(row)}
            yield Task(part, row.name, known, partial(measuring.speed, subject, RunAs()))
    elif part == "modes":
        for backbone in scope.backbones:
            subject = scope.subject("1", "mpvss", backbone)
            for name in factors(measuring.device):
                measure = partial(measuring.speed, subject, FACTORS[name])
                yield Task(part, f"mpvss--{backbone}--{name}", subject.fields(), measure)
    elif part == "peer":
        for backbone in scope.backbones:
            if isinstance(BACKBONES[backbone].numbers, SwinNumbers):
                subject = scope.subject("1", "mpvss", backbone)
                measure = partial(measuring.peer, backbone, subject.size, subject.num_classes)
                yield Task(part, backbone, subject.fields(), measure)
    elif part == "profile":
        for backbone in scope.backbones:
            subject = scope.subject("1", "mpvss", backbone)
            yield Task(part, f"mpvss--{backbone}", subject.fields(), partial(measuring.profile, subject))
    else:
        yield Task(part, "fps", {}, partial(_predict, scope, measuring, folder))


def _labelled(scope: Scope) -> list[tuple[str, str]]:
    """Every method with each backbone, and once each network and video method of another publication."""
    own = [(method, backbone) for backbone in scope.backbones for method in METHODS]
    others = [(row.method, row.backbone) for row in scope.rows if _is_of_others(row)]
    return list(dict.fromkeys([*own, *others]))


def _is_of_others(row: TableRow) -> bool:
    return (row.table, row.paper_method, row.paper_backbone) in OF_OTHERS


def _of_row(row: TableRow) -> Fields:
    return {"table": row.table, "paper_method": row.paper_method, "paper_backbone": row.paper_backbone}


def _predict(scope: Scope, measuring: Measuring, folder: CellFolder[CardCell]) -> Fields:
    """From the speeds that the folder has."""
    cells = [(row, folder.load(cell_file("fps", row.name))) for row in scope.rows]
    speeds = [
        MeasuredSpeed(row, cell.timing.fps_model)
        for row, cell in cells
        if cell is not None and cell.timing is not None and cell.timing.fps_model
    ]
    if not speeds:
        raise UserError("no speed was measured yet; measure the part fps first")
    return {"prediction": predicted(speeds, measuring.environment.device, scope.size)}
