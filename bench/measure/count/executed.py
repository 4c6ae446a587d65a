"""What was executed, operator by operator: calls, multiply-accumulates and bytes of each stage.

Counted where torch dispatches to the kernels of a device, so of the kernels that ran, not of a graph made for the
count. Bytes are a model: every operator reads each tensor it is given once and writes each it returns once. What a
cache keeps, or a kernel reads twice, is not in it; views move nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.measure.count.operators import FORMULAS, is_view, operator_macs, operator_name
from mpvss.stages import watched_by


@dataclass
class Tally:
    """What one operator did in one stage."""

    calls: int = 0
    macs: int = 0
    bytes: int = 0


Executed = dict[tuple[str, str], Tally]
"""By stage and operator (`aten::mm`)."""
Macs = Callable[[Any, Sequence[Any], Any], int]
"""MACs of a call, from the operator, its arguments and its output."""


class ExecutedOperators(TorchDispatchMode):
    """Tallies every operator that is executed inside, under the stage that `where` names at the time.

    A composite operator is tallied by what it is made of. An unknown operator raises UserError, see
    `bench.measure.count.operators`, unless `macs` is another function of a call.
    """

    def __init__(self, where: Callable[[], str], macs: Macs = operator_macs) -> None:
        super().__init__()
        self.where = where
        self.macs = macs
        self.tallies: Executed = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if operator_name(func) not in FORMULAS and func.namespace != "prim":
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = self.run(func, args, kwargs)
        self.note(func, args, kwargs, out)
        return out

    def run(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Execute a call."""
        return func(*args, **kwargs)

    def note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """Tally a call that was executed."""
        tally = self.tallies.setdefault((self.where(), operator_name(func)), Tally())
        tally.calls += 1
        tally.macs += self.macs(func, args, out)
        tally.bytes += moved_bytes(func, args, kwargs, out)


class Place:
    """The stage that runs."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def watch(self, stage: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
        outside, self.stage = self.stage, stage
        try:
            return function(*args, **kwargs)
        finally:
            self.stage = outside


@contextmanager
def executed_operators(rest: str) -> Iterator[Executed]:
    """Tally what is executed inside; what is outside of every stage goes under `rest`."""
    place = Place(rest)
    with watched_by(place.watch), ExecutedOperators(lambda: place.stage) as mode:
        yield mode.tallies


def moved_bytes(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    """Bytes that a call reads and writes: each tensor it is given or returns, once; a view moves nothing."""
    if is_view(func):
        return 0
    written = () if "empty" in operator_name(func) else tree_leaves(out)
    return sum(_bytes(x) for x in (*tree_leaves((args, kwargs)), *written) if isinstance(x, Tensor))


def _bytes(tensor: Tensor) -> int:
    """Bytes of the numbers that lie in memory: an expanded axis repeats them."""
    count = 1
    for extent, step in zip(tensor.shape, tensor.stride(), strict=True):
        count *= extent if step or not extent else 1
    return count * tensor.element_size()


def total_macs(executed: Mapping[tuple[str, str], Tally]) -> int:
    """Multiply-accumulates of all stages and operators."""
    return sum(tally.macs for tally in executed.values())
