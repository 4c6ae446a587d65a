"""A video's frames under torch's profiler, and the operators executed for a frame of each kind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import as_tensor
from bench.measure.count.executed import Executed, executed_operators
from bench.profiling.names import FRAME, REST, STEP, TRANSFER, Kind
from mpvss.stages import stage, watched_by
from mpvss.video import VideoSegmenter


@stage(TRANSFER)
def _to_device(image: np.ndarray, device: torch.device) -> Tensor:
    return as_tensor(image, device)


@stage(TRANSFER)
def _to_host(labels: Tensor) -> np.ndarray:
    return labels.cpu().numpy()


def count_frames(
    segmenter: VideoSegmenter, images: Sequence[np.ndarray], schedule: FixedInterval, device: torch.device
) -> dict[Kind, Executed]:
    """What the first frame of each kind executes, by stage and operator."""
    counts: dict[Kind, Executed] = {}
    state = None
    for index, image in enumerate(images[: schedule.interval]):
        kind = _kind(index, schedule)
        if kind in counts:
            break
        with torch.inference_mode(), executed_operators(REST[kind]) as executed:
            state = _run(segmenter, image, kind, state, device)
        counts[kind] = executed
    return counts


def trace_frames(
    segmenter: VideoSegmenter, images: Sequence[np.ndarray], schedule: FixedInterval, device: torch.device
) -> dict[str, Any]:
    """The trace of all frames, as the Chrome trace format has it; every frame and stage in it is an annotation."""
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with torch.inference_mode(), watched_by(_annotate):
        _run_all(segmenter, images[: min(2, schedule.interval)], schedule, device)  # warm-up
        with profile(activities=activities, record_shapes=True, profile_memory=True) as profiler:
            _run_all(segmenter, images, schedule, device)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(file))
        return json.loads(file.read_text(), strict=False)


def _run_all(
    segmenter: VideoSegmenter, images: Iterable[np.ndarray], schedule: FixedInterval, device: torch.device
) -> None:
    state = None
    for index, image in enumerate(images):
        kind = _kind(index, schedule)
        with ExitStack() as names:
            for name in (f"{STEP}{index}", kind + FRAME):
                names.enter_context(record_function(name))
            state = _run(segmenter, image, kind, state, device)
            if device.type == "cuda":
                torch.cuda.synchronize(device)


def _run(segmenter: VideoSegmenter, image: np.ndarray, kind: Kind, state: Any, device: torch.device) -> Any:
    """One frame, from the host's array to the label map on the host; the state after it."""
    frame = _to_device(image, device)
    with record_function(REST[kind]):
        prediction, state = segmenter.segment(frame) if kind == "key" else segmenter.propagate(frame, state)
        labels = prediction.labels()
    _to_host(labels)
    return state


def _annotate(name: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    with record_function(name):
        return function(*args, **kwargs)


def _kind(index: int, schedule: FixedInterval) -> Kind:
    return "key" if schedule.is_key(index) else "non-key"
