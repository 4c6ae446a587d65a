"""All that is measured of the card that this runs on, cell by cell, into a folder; a second start resumes."""

from __future__ import annotations

import gc
import re
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.card.measuring import Fields, Measuring
from bench.card.needs import check_needs
from bench.card.rows import TableRow, table_rows
from bench.card.speed import give_back_memory
from bench.card.tasks import Scope, Task, tasks
from bench.measure.environment import describe_environment
from bench.measure.time.stopping import FixedRounds
from bench.methods.device import select_device, set_threads
from bench.methods.names import BACKBONES, check_names
from bench.report.tables.card import card_text
from bench.runs.card_folder import open_card_folder, read_card
from bench.runs.cell_folder import CellFolder
from bench.runs.files import write_text
from bench.runs.progress import Progress
from bench.runs.records.card import CARD_PARTS, CardCell, CardConfiguration, CardPart, cell_file
from bench.runs.records.run import Start
from mpvss.errors import UserError

PAPER_ROUNDS = 3
DEFAULT_BACKBONES = ("r50", "swin-t")
SUMMARY = "summary.md"
RESULTS = Path("results")


@dataclass(frozen=True)
class CardOutcome:
    """A card's folder, the cells that failed (`PART NAME`), and the text of its summary."""

    folder: Path
    failed: tuple[str, ...]
    text: str


def card(
    out: Path | str | None = None,
    *,
    device: str = "cuda",
    parts: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    backbones: Sequence[str] = DEFAULT_BACKBONES,
    size: tuple[int, int] | None = None,
    rounds: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    command: str = "bench.card.run.card",
    progress: Progress | None = None,
) -> CardOutcome:
    """Measure a card; what its folder holds already is not measured again, but for what failed.

    Args:
        out: the folder; None: `results/measured/card-NAME` after the device, or `results/runs/card-NAME` for a try,
            which has a `size` or no card.
        device: `cuda` or `cpu`.
        parts: of `bench.runs.records.card.CARD_PARTS`; None: all.
        rows: methods of Tables 1 and 2, as the paper calls them; None: every row that is built here.
        backbones: of the labels, the modes, the peer and the profiles.
        size: height and width of every frame, for a try; None: those of the tables.
        rounds: timed passes; None: the paper's three, or one with a `size`.
        seed: of weights, frames and order.
        threads: of the CPU; None: as torch chooses.
        command: what the folder's file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input, a package that is missing, or a folder of another card or configuration.
        RuntimeError: an error left the card unusable for this process; the next start measures what is missing.
    """
    chosen: tuple[CardPart, ...] = CARD_PARTS
    if parts is not None:
        check_names(parts, CARD_PARTS, "part")
        chosen = tuple(part for part in CARD_PARTS if part in parts)
    check_names(backbones, tuple(BACKBONES), "backbone")
    scope = Scope(_chosen_rows(rows), tuple(backbones), size)
    rounds = (PAPER_ROUNDS if size is None else 1) if rounds is None else rounds
    FixedRounds(rounds)
    lacking = check_needs(chosen, device)
    place = select_device(device)
    set_threads(threads)
    environment = describe_environment(place)
    out = _folder_of(environment.device, is_try=size is not None or device == "cpu") if out is None else Path(out)
    configuration = CardConfiguration(
        device=environment.device,
        cpu=environment.cpu,
        seed=seed,
        rounds=rounds,
        size=None if size is None else list(size),
    )
    folder = open_card_folder(out, configuration, Start(command=command, environment=environment))
    measuring = Measuring(place, out, environment, rounds, seed, is_try=size is not None)
    run = _Run(folder, measuring, lacking, progress or Progress())
    found = [task for part in chosen for task in tasks(part, scope, measuring, folder)]
    run.measure(found)
    text = card_text(read_card(out))
    write_text(out / SUMMARY, text)
    failed = [
        f"{t.part} {t.name}"
        for t in found
        if (cell := folder.load(cell_file(t.part, t.name))) and cell.error is not None
    ]
    return CardOutcome(out, tuple(failed), text)


@dataclass(frozen=True)
class _Run:
    folder: CellFolder[CardCell]
    measuring: Measuring
    lacking: Mapping[str, tuple[str, ...]]
    """Packages that single parts lack."""
    progress: Progress

    def measure(self, found: Sequence[Task]) -> None:
        """Measure what is missing, then again what failed before; a prediction follows the speeds that are new."""
        states = [(task, self.folder.load(cell_file(task.part, task.name))) for task in found]
        missing = [task for task, cell in states if cell is None]
        again = [task for task, cell in states if cell is not None and cell.error is not None]
        if any(task.part == "fps" for task in (*missing, *again)):
            again += [task for task, cell in states if task.part == "prediction" and task not in (*missing, *again)]
        todo = sorted([*missing, *again], key=lambda task: task.part == "prediction")
        with self.progress.stage("card", len(found), "cells") as stage:
            stage.skip(len(found) - len(todo))
            for task in todo:
                cell = self._cell(task)
                self.folder.save(cell)
                self.progress.say(f"{task.part} {task.name}: {_in_words(cell)}, {cell.seconds:.1f} s")
                stage.advance()
                self._check_card(cell)

    def _cell(self, task: Task) -> CardCell:
        start = time.perf_counter()
        try:
            if task.part in self.lacking:
                names = ", ".join(self.lacking[task.part])
                raise UserError(f"{names} is not installed, which the part {task.part} needs")
            found: Fields = task.measure()
        except Exception as error:
            found = {
                "error": f"{type(error).__name__}: {error}",
                "traceback": "".join(traceback.format_exception(error)),
            }
        seconds = time.perf_counter() - start
        if task.part == "modes":
            torch.compiler.reset()
        self._tidy()
        about: Fields = {**task.known, **found}
        return CardCell(part=task.part, name=task.name, start=self.folder.start, seconds=seconds, **about)

    def _tidy(self) -> None:
        """Leave nothing of a cell to the next."""
        gc.collect()
        give_back_memory(self.measuring.device)

    def _check_card(self, cell: CardCell) -> None:
        """Stop where an error has left the card unusable: every later cell would fail too."""
        if cell.error is None or self.measuring.device.type != "cuda":
            return
        try:
            torch.zeros(1, device=self.measuring.device).cpu()
        except RuntimeError as error:
            raise RuntimeError(
                f"{cell.part} {cell.name} left the card unusable for this process ({cell.error}); rerun the command to "
                "resume, which tries this cell last"
            ) from error


def _chosen_rows(names: Sequence[str] | None) -> list[TableRow]:
    rows = table_rows()
    if names is None:
        return rows
    check_names(names, tuple(dict.fromkeys(row.paper_method for row in rows)), "row")
    return [row for row in rows if row.paper_method in names]


def _folder_of(device_name: str, *, is_try: bool) -> Path:
    name = "-".join(re.findall(r"[a-z0-9]+", device_name.lower()))
    return RESULTS / ("runs" if is_try else "measured") / f"card-{name}"


def _in_words(cell: CardCell) -> str:
    if cell.error is not None:
        return f"failed: {' '.join(cell.error.split())[:160]}"
    if cell.labels is not None:
        return f"{min(x.agreement for x in cell.labels):.4%} of the labels agree"
    if cell.timing is not None and cell.timing.fps_model is not None:
        kinds = ", ".join(f"{x.kind} {x.p50_ms:.2f} ms" for x in cell.timing.kinds)
        return f"{cell.timing.fps_model:.2f} FPS ({kinds})"
    return "done"
