"""A trace as a compressed file that Perfetto and TensorBoard's plugin open, no larger than allowed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.profiling.memory_timeline import MEMORY
from bench.profiling.spans import ANNOTATION, Event, Frame
from mpvss.errors import UserError

TRACE_FILE = "trace.pt.trace.json.gz"
"""A name that TensorBoard's plugin takes for a trace."""
_SHAPES = ("Concrete Inputs", "Input Dims", "Input Strides", "Input type")
_OF_THIS_MACHINE = ("host_name", "traceName")


def compress_trace(trace: Mapping[str, Any], frames: Sequence[Frame], most_bytes: int) -> tuple[bytes, list[str]]:
    """The file's content, and the names of what was dropped to keep it under `most_bytes`.

    Dropped in this order, as far as needed: operators' shapes; memory events; all frames but the first of each kind;
    everything but frames and stages.

    Raises:
        UserError: frames and stages alone take more bytes.
    """
    content = {key: value for key, value in trace.items() if key not in _OF_THIS_MACHINE}
    dropped: list[str] = []
    data = _compressed(content)
    for name, drop in _steps(frames).items():
        if len(data) <= most_bytes:
            break
        content = {**content, "traceEvents": drop(content["traceEvents"])}
        dropped.append(name)
        data = _compressed(content)
    if len(data) > most_bytes:
        least = f"{len(data) / 1e6:.3f} MB with frames and stages alone"
        raise UserError(f"the trace takes {least}; allow more than {most_bytes / 1e6:g}")
    return data, dropped


def _steps(frames: Sequence[Frame]) -> dict[str, Callable[[list[Event]], list[Event]]]:
    first = {frame.kind: frame.span for frame in reversed(frames)}.values()

    def of_first_frames(event: Event) -> bool:
        return event["ph"] == "M" or any(span.start <= event["ts"] <= span.end for span in first)

    return {
        "shapes": lambda events: [_without_shapes(event) for event in events],
        "memory events": lambda events: [event for event in events if event["name"] != MEMORY],
        "frames after the first of each kind": lambda events: [event for event in events if of_first_frames(event)],
        "operators": lambda events: [e for e in events if e["ph"] == "M" or e.get("cat") == ANNOTATION],
    }


def _without_shapes(event: Event) -> Event:
    if "args" not in event:
        return event
    return {**event, "args": {name: value for name, value in event["args"].items() if name not in _SHAPES}}


def _compressed(content: Mapping[str, Any]) -> bytes:
    return gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)
