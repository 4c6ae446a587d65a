"""Each kind of frame as a CUDA graph: captured once, then replayed without the host's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mpvss.errors import UserError

RUNS_BEFORE_CAPTURE = 3
"""Runs on a side stream before capturing, in which libraries choose kernels and allocate memory."""

Key = Callable[[Tensor], tuple[Tensor, Any]]
NonKey = Callable[[Tensor, Any], tuple[Tensor, Any]]


def captured(key: Key, non_key: NonKey, frame: Tensor) -> tuple[Key, NonKey]:
    """Capture both steps on a frame like `frame`, (3, H, W) on a CUDA device; the steps that replay them.

    The next replay of a kind overwrites the result of the last.

    Raises:
        UserError: the method's state changes with every frame, so that its frames cannot share a graph.
        RuntimeError: from torch; the step does something that cannot be captured, such as waiting for the device.
    """
    key_frame, non_key_frame = frame.clone(), frame.clone()  # two: a state may hold its key frame
    stream = torch.cuda.current_stream(frame.device)
    side = torch.cuda.Stream(frame.device)
    side.wait_stream(stream)
    with torch.cuda.stream(side):
        for _ in range(RUNS_BEFORE_CAPTURE):
            non_key(non_key_frame, key(key_frame)[1])
    stream.wait_stream(side)
    key_graph, non_key_graph = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(key_graph):
        key_out, state = key(key_frame)
    with torch.cuda.graph(non_key_graph):
        non_key_out, next_state = non_key(non_key_frame, state)
    if next_state is not state:
        raise UserError("the method's state changes with every frame; a CUDA graph needs one that stays")

    def replay_key(new: Tensor) -> tuple[Tensor, Any]:
        key_frame.copy_(new)
        key_graph.replay()
        return key_out, state

    def replay_non_key(new: Tensor, state: Any) -> tuple[Tensor, Any]:
        non_key_frame.copy_(new)
        non_key_graph.replay()
        return non_key_out, state

    return replay_key, replay_non_key
