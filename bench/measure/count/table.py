"""Costs of any methods side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.evaluate.schedule import FixedInterval
from bench.measure.count.cost_of_method import Cost, method_cost
from bench.methods.names import METHODS, branches, method_of
from mpvss.presets import Execution

GIGA, MEGA = 1e9, 1e6
GRAPHS: tuple[Execution, ...] = ("paper", "lean")


@dataclass(frozen=True)
class CostRow:
    """What one method with one backbone costs, in multiply-accumulates, on the published graph and the lean one."""

    method: str
    backbone: str
    parameters: int
    paper_key_macs: int
    paper_non_key_macs: int
    paper_mean_macs: float
    lean_key_macs: int
    lean_non_key_macs: int
    lean_mean_macs: float
    not_counted: tuple[str, ...] = ()
    """Each place where the method leaves torch; what it does there is in no count."""
    most_non_key_macs: int | None = None
    """The most of a non-key frame of the lean graph, where what is in it decides; the other figures are the least."""


def cost(
    methods: Sequence[str] | None = None,
    *,
    backbones: Sequence[str] = ("r50",),
    size: tuple[int, int] = (480, 853),
    num_classes: int = 124,
    interval: int = 5,
    clip_length: int = 15,
) -> list[CostRow]:
    """A row for each of the `methods` (all of the project's own, where None) with each of the backbones.

    `size` is (height, width). Means are over a clip of `clip_length` frames that starts with a key frame.

    Raises:
        UserError: an unknown method or backbone; a size, interval or clip length below 1; an operator without a count.
    """
    FixedInterval(interval).count_keys(clip_length)
    rows = []
    for backbone in backbones:
        for method in methods or METHODS:
            paper, lean = (_count(method, backbone, size, num_classes, graph, clip_length) for graph in GRAPHS)
            rows.append(
                CostRow(
                    method,
                    backbone,
                    lean.parameters,
                    paper.key_macs,
                    paper.non_key_macs,
                    paper.mean_macs(interval, clip_length),
                    lean.key_macs,
                    lean.non_key_macs,
                    lean.mean_macs(interval, clip_length),
                    lean.not_counted,
                    lean.most_non_key_macs,
                )
            )
    return rows


def as_markdown(rows: Iterable[CostRow]) -> str:
    """The rows as a table in millions of parameters and GMACs."""
    cells = [
        {
            "method": row.method,
            "backbone": row.backbone,
            "params (M)": f"{row.parameters / MEGA:.2f}",
            "paper: key (GMACs)": _giga(row.paper_key_macs),
            "paper: non-key (GMACs)": _giga(row.paper_non_key_macs),
            "paper: mean (GMACs)": _giga(row.paper_mean_macs),
            "lean: key (GMACs)": _giga(row.lean_key_macs),
            "lean: non-key (GMACs)": _giga(row.lean_non_key_macs),
            "lean: mean (GMACs)": _giga(row.lean_mean_macs),
        }
        for row in rows
    ]
    return pd.DataFrame(cells).to_markdown(index=False, disable_numparse=True, colalign=["left"] * 2 + ["right"] * 7)


def _count(
    method: str, backbone: str, size: tuple[int, int], num_classes: int, graph: Execution, clip_length: int
) -> Cost:
    name = method_of(method)
    of_frame, of_key = branches(name, backbone)
    return method_cost(
        name,
        backbone=of_frame,
        key_backbone=of_key,
        num_classes=num_classes,
        size=size,
        execution=graph,
        clip_lengths=[clip_length],
    )


def _giga(macs: float) -> str:
    return f"{macs / GIGA:.2f}"
