"""What was executed, call by call, and which calls a result is made of.

For tensors that have a shape alone: what is made inside is held until the end, so that no two storages are mixed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from bench.measure.count.executed import Executed, ExecutedOperators, Place, Tally, moved_bytes
from bench.measure.count.operators import is_view, operator_macs, operator_name
from bench.measure.count.shapes import call_on_shapes
from mpvss.stages import watched_by


@dataclass(frozen=True)
class Call:
    """One call of an operator."""

    stage: str
    operator: str
    macs: int
    bytes: int
    """None of a view or an allocation, which runs no kernel."""
    needs: frozenset[int]
    """Indices of the calls that wrote what it reads."""
    given: tuple[tuple[int, ...], ...] = ()
    """Shapes of the tensors it is given, in the order of its arguments."""
    made: tuple[tuple[int, ...], ...] = ()
    """Shapes of the tensors it returns."""


class RecordedCalls(ExecutedOperators):
    """Records every operator that is executed inside, as `ExecutedOperators` tallies them."""

    def __init__(self, place: Place) -> None:
        super().__init__(lambda: place.stage)
        self.calls: list[Call] = []
        self._writers: dict[int, set[int]] = {}
        self._held: list[Any] = []

    def run(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Find the shapes of a call's outputs."""
        return call_on_shapes(func, args, kwargs)

    def note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """Record a call that was executed."""
        given, made = _tensors((args, kwargs)), _tensors(out)
        needs = frozenset(index for x in given for index in self._writers.get(_storage(x), ()))
        bytes_ = moved_bytes(func, args, kwargs, out)
        name = operator_name(func)
        macs = operator_macs(func, args, out)
        shapes = (tuple(tuple(x.shape) for x in tensors) for tensors in (given, made))
        self.calls.append(Call(self.where(), name, macs, bytes_, needs, *shapes))
        if is_view(func):
            return
        for x in (*made, *_changed(func, args, kwargs)):
            self._held.append(x)
            self._writers.setdefault(_storage(x), set()).add(len(self.calls) - 1)

    def behind(self, result: Tensor) -> list[Call]:
        """The calls that `result` is made of, in the order they ran."""
        needed: set[int] = set()
        waiting = set(self._writers.get(_storage(result), ()))
        while waiting:
            index = waiting.pop()
            needed.add(index)
            waiting |= self.calls[index].needs - needed
        return [self.calls[index] for index in sorted(needed)]


@contextmanager
def recorded_calls(rest: str) -> Iterator[RecordedCalls]:
    """Record what is executed inside; what is outside of every stage goes under `rest`."""
    place = Place(rest)
    with watched_by(place.watch), RecordedCalls(place) as mode:
        yield mode


def tallied(calls: Iterable[Call]) -> Executed:
    """The calls by stage and operator."""
    executed: Executed = {}
    for call in calls:
        tally = executed.setdefault((call.stage, call.operator), Tally())
        tally.calls += 1
        tally.macs += call.macs
        tally.bytes += call.bytes
    return executed


def _tensors(values: Any) -> list[Tensor]:
    return [x for x in tree_leaves(values) if isinstance(x, Tensor)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _changed(func: torch._ops.OpOverload, args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The arguments that the call writes into."""
    for index, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[index] if index < len(args) else kwargs.get(argument.name)
            yield from _tensors(value)
