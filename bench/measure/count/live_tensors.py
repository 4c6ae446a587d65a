"""The memory that tensors hold during a piece of work: a count, where what a process holds has noise."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """Follows the storages that operators make inside; `peak` is the most bytes of them at one time.

    Not counted are tensors that were there before, and what a kernel needs beside its output.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        # A storage whose reference is held here is not freed whole, so that no other has its key.
        self._live = {key: live for key, live in self._live.items() if not live[0].expired()}
        given = _storages((args, kwargs))
        for key, storage in _storages(out).items():
            if key not in given and key not in self._live:
                self._live[key] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return out


def _storages(values: Any) -> dict[int, Any]:
    found = [x.untyped_storage() for x in tree_leaves(values) if isinstance(x, Tensor)]
    return {storage._cdata: storage for storage in found}
