"""The counters that a change of the code is gated on: those of every shipped method, none of which has noise.

They are taken on one thread of the CPU, with the weights that come with the project. Those of work leave out the
shortcuts that depend on what is in a picture: rounding differs between machines, and what is on an edge with it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.data import Dataset, open_dataset
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.scorers import ClipScorer
from bench.evaluate.scores import Score
from bench.evaluate.video import as_tensor
from bench.measure.count.executed import executed_operators, total_macs
from bench.measure.count.live_tensors import LiveTensors
from bench.measure.count.operator_counts import calls_of
from bench.measure.time.modes import steps_of
from bench.methods.builder import Builder, registry_builder
from bench.methods.names import PER_FRAME, method_of
from bench.methods.shipped import shipped_identity, shipped_rows
from bench.methods.weights import Weights
from bench.runs.records.base import Kind
from bench.runs.records.baseline import Baseline, Conditions, FrameCounters, MethodCounters
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter

BACKBONE = "micro"
INTERVAL = 5
CPU = torch.device("cpu")


def measure_counters(data: str) -> Baseline:
    """The counters of all shipped rows of the small family, and of `copy`, over the clips of `data`.

    Torch is set to one thread.
    """
    torch.set_num_threads(1)
    dataset = open_dataset(data)
    assert dataset.num_classes is not None, "synthetic clips say their classes"
    build = registry_builder(
        num_classes=dataset.num_classes, device=CPU, execution="lean", seed=0, weights=Weights(shipped=True)
    )
    rows = ["copy", *(row.removeprefix(f"{BACKBONE}/") for row in shipped_rows() if row.startswith(f"{BACKBONE}/"))]
    mious = _mean_ious(rows, dataset, build)
    frames = [as_tensor(frame.image, CPU) for _, frame in zip(range(2), dataset.clips[0].frames(), strict=False)]
    counters = {}
    for row in rows:
        segmenter = build([row], BACKBONE).segmenters[row]
        assert isinstance(segmenter, nn.Module)
        counters[row] = MethodCounters(
            parameters=sum(parameter.numel() for parameter in segmenter.parameters()),
            miou=mious[row],
            kinds=_frame_counters(segmenter, frames, only_key=method_of(row) == PER_FRAME),
        )
    conditions = Conditions(
        backbone=BACKBONE,
        data=dataset.identity,
        interval=INTERVAL,
        weights=shipped_identity(),
        torch=torch.__version__.partition("+")[0],
    )
    return Baseline(conditions=conditions, methods=counters)


def _frame_counters(segmenter: VideoSegmenter, frames: list[Tensor], *, only_key: bool) -> dict[Kind, FrameCounters]:
    steps = steps_of(with_fixed_work(segmenter), "labels")
    with torch.inference_mode():
        _, state = steps.key(frames[0])
        steps.non_key(frames[1], state)  # what a method keeps between frames is there from now on
        counters: dict[Kind, FrameCounters] = {"key": _counters_of(lambda: steps.key(frames[0]))}
        if not only_key:
            counters["non-key"] = _counters_of(lambda: steps.non_key(frames[1], state))
    return counters


def _counters_of(frame: Callable[[], object]) -> FrameCounters:
    with LiveTensors() as live, executed_operators("") as executed:
        frame()
    return FrameCounters(macs=total_macs(executed), peak_bytes=live.peak, operators=calls_of(executed))


def _mean_ious(rows: list[str], dataset: Dataset, build: Builder) -> dict[str, float]:
    """The mIoU of each row, at the interval; all of them in lockstep."""
    built = build(rows, BACKBONE)
    cells = {row: Cell(row, 1 if method_of(row) == PER_FRAME else INTERVAL) for row in rows}
    totals: dict[Cell, Score] = {}
    for clip in dataset.clips:
        assert dataset.num_classes is not None
        lockstep = Lockstep(built.segmenters, cells.values(), built.memo)
        scorer = ClipScorer(cells.values(), dataset.num_classes)
        for frame in clip.frames():
            scorer.update(frame.labels, lockstep.step(as_tensor(frame.image, CPU)))
        for error in lockstep.failed.values():
            raise error
        for cell, score in scorer.end(()).items():
            totals[cell] = totals[cell] + score if cell in totals else score
    return {row: (totals[cell].measures() or {})["miou"] for row, cell in cells.items()}
