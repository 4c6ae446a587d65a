"""Score the label maps that a sweep kept, without any network: what a new measure costs is this, and no new sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec

from bench.data import Clip, Dataset
from bench.evaluate.data_of_run import open_data_of
from bench.evaluate.keeping import kept_groups
from bench.evaluate.lockstep import Cell
from bench.runs.kept_labels import FOLDER, LabelStore
from bench.runs.lease import sole_writer
from bench.runs.progress import Progress
from bench.runs.read import read_cells, read_run_record
from bench.runs.record_file import write_record
from bench.runs.records.cell import Accuracy, CellKey, CellRecord
from bench.runs.records.run import RunRecord
from bench.sweep.accuracy import Totals
from bench.sweep.cell import CellInProgress
from bench.sweep.clips import labelled_clips, score_frames
from bench.sweep.outcome import Outcome
from mpvss.errors import UserError


@dataclass(frozen=True)
class Rescored(Outcome):
    """A run whose kept label maps were scored again.

    Attributes:
        scored: the cells whose label maps were kept.
        changed: those of them whose measures are now others, or more.

    """

    scored: tuple[CellKey, ...]
    changed: tuple[CellKey, ...]


def score(
    run: Path | str,
    *,
    data: str | None = None,
    labels: str | None = None,
    classes: int | None = None,
    progress: Progress | None = None,
) -> Rescored:
    """Score the label maps that `sweep --keep labels` kept, and write the measures into the run's cells.

    The pixels of each class in each clip must be those that the cells hold, so that label maps of another run, or other
    data, are never taken for the run's. Cost, times and all else of a cell stay.

    Args:
        run: the run's folder.
        data: as `open_dataset` takes it, and with it `labels` and `classes`; None: data that is made up on the spot.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: no label maps, a file of them that is missing, damaged or another's; data that is not the run's.
    """
    run, progress = Path(run), progress or Progress()
    about = read_run_record(run)
    store = LabelStore(run)
    records = [record for record in read_cells(run) if store.keeps(record.key)]
    if not records:
        raise UserError(f"{run} keeps no label maps; sweep with --keep labels to keep them")
    dataset = open_data_of(about, data, labels, classes)
    clips = _clips(dataset, about)
    changed: list[CellKey] = []
    with sole_writer(run, run / "cells") as lease:
        for backbone, of_backbone in groupby(records, key=lambda record: record.backbone):
            for record in _score(list(of_backbone), clips, dataset, store, f"{backbone}: score", progress):
                lease.check()
                write_record(run / "cells" / record.key.file_name, record)
                changed.append(record.key)
    return Rescored(run, (), tuple(record.key for record in records), tuple(changed))


def _clips(dataset: Dataset, about: RunRecord) -> list[tuple[int, Clip]]:
    shard = about.configuration.shard
    return [(index, clip) for index, clip in labelled_clips(dataset) if shard is None or index in shard.clips]


def _score(
    records: Sequence[CellRecord],
    clips: Sequence[tuple[int, Clip]],
    dataset: Dataset,
    store: LabelStore,
    title: str,
    progress: Progress,
) -> list[CellRecord]:
    """The cells of one backbone whose measures have changed."""
    cells = {Cell(record.method, record.interval): record for record in records}
    totals = Totals(cells)
    assert dataset.num_classes is not None, "the run has classes"
    with progress.stage(title, len(clips), "clips") as stage:
        for index, clip in clips:
            kept = {cell: store.read(record.key, index, clip.name) for cell, record in cells.items()}
            totals.add(clip.name, score_frames(clip, list(cells), dataset.num_classes, kept_groups(clip, kept)))
            stage.advance()
    changed = []
    for cell, record in cells.items():
        findings = CellInProgress.from_record(record, wanted=())
        totals.fill_in(cell, findings)
        accuracy = _with_others(findings.accuracy, record.accuracy)
        found = msgspec.structs.replace(record, accuracy=accuracy, clips=findings.clips)
        if record.clips is not None and record.clips != found.clips:
            raise UserError(_difference(record, found, store))
        if found != record:
            changed.append(found)
    return changed


def _with_others(now: Accuracy | None, before: Accuracy | None) -> Accuracy | None:
    """The measures now; one that could not be taken, as where a library is missing, stays as it was before."""
    if now is None or before is None:
        return now
    kept = {name: getattr(before, name) for name in now.__struct_fields__ if getattr(now, name) is None}
    return msgspec.structs.replace(now, **kept)


def _difference(record: CellRecord, found: CellRecord, store: LabelStore) -> str:
    """In which clip the pixels are others than those that the cell holds."""
    pairs = zip(record.clips or (), found.clips or (), strict=False)
    names = [new.name for old, new in pairs if old != new] or ["some"]
    return (
        f"the label maps of {record.method} with {record.backbone} at interval {record.interval} are not those that "
        f"were scored: clip {names[0]} has other pixels than cells/{record.key.file_name} says; the files in "
        f"{store.run / FOLDER} or the data are of another run"
    )
