"""Where a method leaves torch: what it then does, with numpy or OpenCV, no operator tells."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_EXITS = {
    Tensor.numpy: "Tensor.numpy",
    Tensor.__array__: "Tensor.__array__",
    Tensor.tolist: "Tensor.tolist",
    Tensor.__dlpack__: "Tensor.__dlpack__",
    torch.Tensor.data_ptr: "Tensor.data_ptr",
}
_TORCH = str(Path(torch.__file__).parent)


class Exits(TorchFunctionMode):
    """Notes every call inside that takes numbers out of torch, and the line of the method that makes it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _EXITS:
            self.seen[f"{_EXITS[func]} in {_caller()}"] += 1
        return func(*args, **(kwargs or {}))

    def lines(self) -> tuple[str, ...]:
        """One line for each place, as `Tensor.numpy in sharpen (method.py, line 31), 2 times`."""
        return tuple(place + (f", {count} times" if count > 1 else "") for place, count in self.seen.items())


def _caller() -> str:
    """The innermost function that is neither torch's nor this file's."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_code.co_filename == __file__ or frame.f_code.co_filename.startswith(_TORCH)):
        frame = frame.f_back
    return f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})"
