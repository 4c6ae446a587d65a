"""Put the parts of a shared sweep together: what an unshared one measures, but for the times of its machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from msgspec import structs

from bench.evaluate.clip_store import read_clip
from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.runs.files import file_name
from bench.runs.kept_labels import FOLDER, LabelStore
from bench.runs.progress import Progress
from bench.runs.records.cell import CellKey
from bench.runs.records.run import Start
from bench.runs.write import Run, open_run
from bench.sweep.accuracy import Totals
from bench.sweep.cell import CellInProgress
from bench.sweep.outcome import Outcome
from bench.sweep.parts import OF_THE_MACHINE, Parts, read_parts
from mpvss.errors import UserError


def merge_parts(
    parts: Sequence[Path | str],
    out: Path | str,
    *,
    command: str = "bench.sweep.merge_parts",
    progress: Progress | None = None,
) -> Outcome:
    """Put shards, and runs of cost and timing, together into one run.

    The parts are only read. The run's accuracy is that of a sweep over all clips, to the bit where the parts ran on
    machines that compute alike. Its device, CPU and threads are those of the timing, or without one of the first shard.

    Args:
        parts: folders, in any order: every shard once, and any number of runs by `only=("cost", "timing")`.
        out: the run's folder; made where it is missing. Cells that are there are written anew.
        command: what the run's file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: a part is missing, there twice, not finished, damaged, or of another sweep.
    """
    out, progress = Path(out), progress or Progress()
    if out.resolve() in {Path(part).resolve() for part in parts}:
        raise UserError(f"{out} is one of the parts; give another folder")
    found = read_parts([Path(part) for part in parts])
    for text in _differences_of_machines(found):
        progress.say(text)
    asked = found.shards[0].about.asked
    run = open_run(
        out,
        structs.replace(found.reference.about.configuration, shard=None),
        asked,
        Start(command=command, environment=found.reference.about.starts[-1].environment),
        starts_of_parts=[start for part in (*found.shards, *found.timed) for start in part.about.starts],
    )
    failed = [_merge(backbone, found, run, progress) for backbone in asked.backbones]
    _copy_labels(found, run, progress)
    run.finish()
    return Outcome(out, tuple(chain.from_iterable(failed)))


def _merge(backbone: str, found: Parts, run: Run, progress: Progress) -> list[CellKey]:
    keys = [key for key in found.shards[0].files if key.backbone == backbone]
    good = [Cell(key.method, key.interval) for key in keys if not any(key in part.errors for part in found.shards)]
    totals = Totals(good)
    if good:
        with progress.stage(f"{backbone}: merge", sum(len(part.names[backbone]) for part in found.shards), "clips") as (
            stage
        ):
            for name, scores in _clips(backbone, found, good):
                totals.add(name, scores)
                stage.advance()
    failed = []
    for key in keys:
        findings = _merged(key, found, totals)
        run.save(findings.record(key))
        if findings.errors:
            failed.append(key)
            errors = "; ".join(f"{part}: {text}" for part, text in findings.errors.items())
            progress.say(f"{backbone}: {key.method} failed at interval {key.interval}: {errors}")
    return failed


def _copy_labels(found: Parts, run: Run, progress: Progress) -> None:
    """Copy the label maps that the shards kept; those that are there already stay."""
    store = LabelStore(run.path)
    kept = set.intersection(*(part.labels for part in found.shards))
    for part in found.shards:
        for key in sorted(kept):
            for index, name in part.clips(key.backbone):
                if not store.has(key, index, name):
                    LabelStore(part.path).copy_to(store, key, index, name)
    if kept:
        progress.say(f"the label maps of {len(kept)} cells are in {store.run / FOLDER}")


def _clips(backbone: str, found: Parts, cells: Sequence[Cell]) -> Iterator[tuple[str, Mapping[Cell, Score]]]:
    """The clips of all parts in the order of the data set, which decides the last bits of mVC."""
    clips = [(index, name, part) for part in found.shards for index, name in part.clips(backbone)]
    classes = len(found.shards[0].about.configuration.classes)
    for index, name, part in sorted(clips, key=lambda clip: clip[0]):
        yield name, read_clip(part.path / "partial" / file_name(backbone), index, name, cells, classes)


def _merged(key: CellKey, found: Parts, totals: Totals) -> CellInProgress:
    timed = next((part for part in found.timed if key in part.files), None)
    findings = CellInProgress() if timed is None else CellInProgress.from_record(timed.cell(key), wanted=())
    broken = next((part for part in found.shards if key in part.errors), None)
    scored = (broken or found.shards[0]).cell(key)
    findings.weights = scored.weights
    if broken is None:
        totals.fill_in(Cell(key.method, key.interval), findings)
    else:
        findings.errors["accuracy"] = scored.errors["accuracy"]
        findings.tracebacks["accuracy"] = scored.tracebacks.get("accuracy", "")
    return findings


def _differences_of_machines(found: Parts) -> Iterator[str]:
    """What a reader must know where parts ran on machines that may not compute alike."""
    for name in OF_THE_MACHINE:
        values = {str(getattr(part.about.configuration, name)) for part in found.shards}
        if len(values) > 1:
            yield f"the shards ran with different {name}: {', '.join(sorted(values))}; accuracies may differ slightly"
    for name in ("commit", "libraries"):
        ran_with = [getattr(part.about.starts[-1].environment, name) for part in (*found.shards, *found.timed)]
        if any(value != ran_with[0] for value in ran_with):
            yield f"the parts ran with different {name}; see the starts in run.json"
