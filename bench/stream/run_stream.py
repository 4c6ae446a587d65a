"""A streaming evaluation: methods x intervals x rates of a camera, from the times of a run, into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bench.data import Clip, Dataset
from bench.evaluate.turns import follows_the_clip, refuse_lookahead
from bench.measure.environment import describe_environment
from bench.methods.names import check_names
from bench.methods.setup import Setup, set_up
from bench.runs.cell_folder import CellFolder, open_cell_folder
from bench.runs.progress import Progress, Stage
from bench.runs.records.base import Scope
from bench.runs.records.cell import CellKey
from bench.runs.records.run import Start
from bench.runs.records.stream import (
    STREAM,
    KeyFrames,
    StreamCell,
    StreamConfiguration,
    StreamRecord,
    Waiting,
    stream_file,
)
from bench.stream.clip import frames_of, score_clip
from bench.stream.events import Durations, Replay, replay
from bench.stream.tally import Tally, Way
from bench.stream.times import TimedRun, chosen, durations_of, read_timed_run
from mpvss.errors import UserError

RATES = (15.0, 17.0, 25.0, 30.0)
"""VSPW's, Cityscapes', and those of films and cameras."""
AT_ONCE = Durations((0.0,), (0.0,))


def stream(
    run: Path | str,
    out: Path | str,
    *,
    rates: Sequence[float] = RATES,
    methods: Sequence[str] | None = None,
    backbones: Sequence[str] | None = None,
    intervals: Sequence[int] | None = None,
    waiting: Sequence[Waiting] = ("drop", "queue"),
    keys: Sequence[KeyFrames] = ("sync", "background"),
    scope: Scope = "labels",
    data: str | None = None,
    labels: str | None = None,
    classes: int | None = None,
    clips: int | None = None,
    frames: int | None = None,
    weights: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    command: str = "bench.stream.stream",
    progress: Progress | None = None,
) -> tuple[StreamCell, ...]:
    """Score what would be on show at each frame's time, and write a cell for each combination; the cells.

    The times are those of `run`, so that no device of its kind is needed; the method is run once over the frames and
    key frames that the replays ask for. Cells that are there are kept, so an interrupted evaluation resumes.

    Args:
        run: the folder of a latency run or a sweep.
        out: the folder; made where it is missing.
        rates: of the camera, frames a second.
        methods: rows of the run; None: all that have key frames, and per-frame.
        backbones: of the run; None: all.
        intervals: key-frame intervals in frames of the camera; None: those of the run.
        waiting: `drop`, `queue`.
        keys: `sync`, `background`; the latter has no cell at interval 1.
        scope: of the run's times.
        data: as `open_dataset` takes it, and with it `labels` and `classes`; None: the run's own, where it is made up.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        clips: use the first so many clips; None: all.
        frames: use the first so many frames of each clip; None: all.
        weights: as in a sweep; they must be those of the run.
        device: `cpu` or `cuda`, for the label maps.
        threads: of the CPU; None: as torch chooses.
        command: what the head file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input, weights or frames that are not those of the times, or a folder of something else.
    """
    check_names(waiting, get_args(Waiting), "way to wait")
    check_names(keys, get_args(KeyFrames), "kind of key frames")
    for rate in rates:
        if not rate > 0:
            raise UserError(f"rate is {rate:g} Hz; it must be above 0")
    if not rates or not waiting or not keys:
        raise UserError("give one rate, one way to wait and one kind of key frames, or more")
    timed = read_timed_run(Path(run), scope)
    cells = chosen(timed, methods, backbones, intervals)
    ways = {
        key: [Way(key.interval, rate, w, k) for rate in rates for w in waiting for k in keys if _is_there(k, key)]
        for key in cells
    }
    configuration = timed.about.configuration
    setup = set_up(
        methods=list(dict.fromkeys(key.method for key in cells)),
        backbones=list(dict.fromkeys(key.backbone for key in cells)),
        data=_data_of(timed) if data is None else data,
        labels=labels,
        classes=classes,
        clips=clips,
        frames=frames,
        weights=weights,
        execution=configuration.execution,
        seed=configuration.seed,
        device=device,
        threads=threads,
        ground_truth_flow=False,
    )
    _check_fits(setup, timed)
    folder = open_cell_folder(
        Path(out),
        STREAM,
        StreamRecord(
            configuration=StreamConfiguration(
                timed_run=timed.name,
                times_sha256=timed.digest,
                scope=scope,
                data=setup.dataset.identity,
                classes=list(setup.dataset.class_names),
                clips=clips,
                frames=frames,
                execution=configuration.execution,
                seed=configuration.seed,
                weights=setup.weights.identity(),
            ),
            starts=[Start(command=command, environment=describe_environment(setup.device))],
        ),
        StreamCell,
    )
    evaluation = _Evaluation(setup, timed, folder, progress or Progress())
    rows = dict.fromkeys((key.backbone, key.method) for key in cells)
    return tuple(
        cell
        for backbone, method in rows
        for cell in evaluation.of_row(
            backbone, method, [w for k, of in ways.items() if (k.backbone, k.method) == (backbone, method) for w in of]
        )
    )


@dataclass(frozen=True)
class _Evaluation:
    setup: Setup
    timed: TimedRun
    folder: CellFolder[StreamCell]
    progress: Progress

    def of_row(self, backbone: str, method: str, ways: Sequence[Way]) -> list[StreamCell]:
        """The cells of one method: those that are there, and the missing ones, over all clips at once."""
        there = {way: self.folder.load(_file_name(backbone, method, way)) for way in ways}
        missing = [way for way, cell in there.items() if cell is None]
        made: dict[Way, StreamCell] = {}
        if missing:
            clips = [clip for clip in self.setup.dataset.clips if clip.labelled]
            with self.progress.stage(f"{backbone}, {method}: streams", len(clips), "clips") as stage:
                made = self._evaluated(backbone, method, missing, clips, stage)
            for cell in made.values():
                self.folder.save(cell)
        else:
            self.progress.say(f"{backbone}, {method}: all cells are there")
        return [cell if (cell := there[way]) is not None else made[way] for way in ways]

    def _evaluated(
        self, backbone: str, method: str, ways: Sequence[Way], clips: Sequence[Clip], stage: Stage
    ) -> dict[Way, StreamCell]:
        built = self.setup.build([method], backbone)
        for error in built.failed.values():
            raise error
        segmenter = built.segmenters[method]
        refuse_lookahead(method, segmenter)
        if follows_the_clip(segmenter):
            raise UserError(f"{method} takes every frame in turn, and has no key frames to begin anew at; leave it out")
        tallies: dict[Way | int, Tally] = {way: Tally() for way in ways}
        offline = dict.fromkeys(way.interval for way in ways)
        tallies |= {interval: Tally() for interval in offline}
        for number, clip in enumerate(clips):
            count = frames_of(clip)
            replays = {way: self._replay(backbone, method, way, number, count) for way in ways}
            waits = {k: replay(count, 1.0, k, AT_ONCE, waiting="queue", keys="sync") for k in offline}
            counts, labelled = score_clip(
                segmenter, clip, {**replays, **waits}, self.setup.num_classes, self.setup.device
            )
            for name, of_clip in {**replays, **waits}.items():
                tallies[name].add(clip.name, counts[name], labelled, of_clip)
            stage.advance()
        return {
            way: tallies[way].cell(
                backbone, method, way, built.weights[method], tallies[way.interval], self.folder.start
            )
            for way in ways
        }

    def _replay(self, backbone: str, method: str, way: Way, clip: int, frames: int) -> Replay:
        durations = durations_of(self.timed, CellKey(backbone, method, way.interval), clip * frames)
        return replay(frames, way.rate, way.interval, durations, waiting=way.waiting, keys=way.keys)


def _is_there(keys: KeyFrames, key: CellKey) -> bool:
    return keys == "sync" or key.interval > 1


def _file_name(backbone: str, method: str, way: Way) -> str:
    return stream_file(backbone, method, way.interval, way.rate, way.waiting, way.keys)


def _data_of(timed: TimedRun) -> str:
    data = timed.about.configuration.data
    if data.partition(":")[0] not in ("synthetic", "generated"):
        raise UserError(f"{timed.path} was timed on {data}; say with data where it is on this machine")
    return data


def _check_fits(setup: Setup, timed: TimedRun) -> None:
    """UserError unless labels come from the weights and frame size that were timed."""
    theirs, ours = timed.about.configuration.weights, setup.weights.identity()
    if any(theirs.get(name) != digest for name, digest in ours.items()) or bool(theirs) != bool(ours):
        raise UserError(
            f"{timed.path} was timed with weights {theirs or 'that are random'}, and those given are "
            f"{ours or 'random'}; give the same, so that accuracy and speed are of the same"
        )
    if not setup.dataset.labelled:
        raise UserError(f"{setup.dataset.name} has no labels, so there is no accuracy")
    if any(clip.labelled_frames is not None for clip in setup.dataset.clips):
        raise UserError(f"{setup.dataset.name} labels single frames alone; a stream is scored at every frame")
    size = _size_of(setup.dataset)
    if timed.size is not None and timed.size != size:
        raise UserError(
            f"frames of {timed.size[0]}x{timed.size[1]} were timed, and those of {setup.dataset.name} are "
            f"{size[0]}x{size[1]}; give frames of the same size"
        )


def _size_of(dataset: Dataset) -> tuple[int, int]:
    height, width = next(iter(dataset.clips[0].frames())).image.shape[1:]
    return height, width
