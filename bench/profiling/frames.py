"""A video's frames under torch's profiler, and the operators executed for a frame of each kind."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip, propagate, segment, with_coming
from bench.evaluate.video import as_tensor
from bench.measure.count.executed import Executed, executed_operators
from bench.measure.count.frames import SETTLED
from bench.profiling.names import FRAME, REST, STEP, TRANSFER, Kind
from mpvss.errors import UserError
from mpvss.files import cannot_be_written
from mpvss.stages import stage, watched_by
from mpvss.video import VideoSegmenter, lookahead_of


@stage(TRANSFER)
def _to_device(image: np.ndarray, device: torch.device) -> Tensor:
    return as_tensor(image, device)


@stage(TRANSFER)
def _to_host(labels: Tensor) -> np.ndarray:
    return labels.cpu().numpy()


@dataclass(frozen=True)
class Turn:
    """One frame that is profiled."""

    kind: Kind
    image: np.ndarray
    coming: tuple[np.ndarray, ...] = ()
    before: Any = None
    """The state before it, where it does not follow the turn before."""


def turns_of(
    segmenter: VideoSegmenter, images: Sequence[np.ndarray], schedule: FixedInterval, device: torch.device
) -> list[Turn]:
    """The frames of a clip that are profiled, in their order.

    Of a method without key frames: the clip's first frame as the key frame, and as non-key frames those far from the
    clip's ends, from `SETTLED` on. The frames between are run here, for the state.
    """
    if not follows_the_clip(segmenter):
        return [Turn("key" if schedule.is_key(index) else "non-key", image) for index, image in enumerate(images)]
    ahead = lookahead_of(segmenter)
    shown = [Turn("non-key", image, coming) for image, coming in with_coming(images, ahead)]
    shown = shown[: max(1, len(images) - ahead)]
    first, later = replace(shown[0], kind="key"), shown[SETTLED:]
    state = None
    with torch.inference_mode():
        for turn in (first, *shown[1:SETTLED]) if later else ():
            state = _run(segmenter, turn, state, device)
    return [first, *(replace(turn, before=state) for turn in later[:1]), *later[1:]]


def images_for(segmenter: VideoSegmenter, frames: int) -> int:
    """How many frames a clip must have of which `frames` are profiled."""
    return frames + SETTLED - 1 + lookahead_of(segmenter) if follows_the_clip(segmenter) else frames


def count_frames(segmenter: VideoSegmenter, turns: Sequence[Turn], device: torch.device) -> dict[Kind, Executed]:
    """What the first frame of each kind executes, by stage and operator."""
    counts: dict[Kind, Executed] = {}
    state = None
    for turn in turns:
        if turn.kind in counts:
            break
        with torch.inference_mode(), executed_operators(REST[turn.kind]) as executed:
            state = _run(segmenter, turn, state, device)
        counts[turn.kind] = executed
    return counts


def trace_frames(segmenter: VideoSegmenter, turns: Sequence[Turn], device: torch.device) -> dict[str, Any]:
    """The trace of all frames, as the Chrome trace format has it; every frame and stage in it is an annotation.

    Raises:
        UserError: the folder for temporary files has no room for the trace.
    """
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with torch.inference_mode(), watched_by(_annotate):
        _run_all(segmenter, turns[:2], device)  # warm-up
        with profile(activities=activities, record_shapes=True, profile_memory=True) as profiler:
            _run_all(segmenter, turns, device)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        try:
            profiler.export_chrome_trace(str(file))
            return json.loads(file.read_text(), strict=False)
        except OSError as error:
            raise cannot_be_written(file, error) from error
        except ValueError as error:  # the profiler does not say where it could not write
            free = shutil.disk_usage(folder).free
            raise UserError(
                f"{file}, the profiler's trace, is cut short ({error}); {free / 2**20:.1f} MiB are free there"
            ) from error


def _run_all(segmenter: VideoSegmenter, turns: Iterable[Turn], device: torch.device) -> None:
    state = None
    for index, turn in enumerate(turns):
        with ExitStack() as names:
            for name in (f"{STEP}{index}", turn.kind + FRAME):
                names.enter_context(record_function(name))
            state = _run(segmenter, turn, state, device)
            if device.type == "cuda":
                torch.cuda.synchronize(device)


def _run(segmenter: VideoSegmenter, turn: Turn, state: Any, device: torch.device) -> Any:
    """One frame, from the host's array to the label map on the host; the state after it."""
    frame = _to_device(turn.image, device)
    coming = [_to_device(image, device) for image in turn.coming]
    state = state if turn.before is None else turn.before
    with record_function(REST[turn.kind]):
        prediction, state = (
            segment(segmenter, frame, coming) if turn.kind == "key" else propagate(segmenter, frame, state, coming)
        )
        labels = prediction.labels()
    _to_host(labels)
    return state


def _annotate(name: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
    with record_function(name):
        return function(*args, **kwargs)
