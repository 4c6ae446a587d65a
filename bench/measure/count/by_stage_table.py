"""Counts of each stage by several counters, for any methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.measure.count.by_stage import COUNTERS, StageCounts, count_by_stage
from bench.measure.count.table import GIGA
from bench.measure.count.traced import shapes_only
from bench.methods import build
from bench.methods.names import METHODS, branches


@dataclass(frozen=True)
class CountedFrame:
    """Counts of one kind of frame of one method."""

    method: str
    backbone: str
    frame: str
    """`key` or `non-key`."""
    stages: StageCounts

    def records(self) -> Iterator[dict[str, Any]]:
        """One for each stage, as files hold it."""
        for stage, counts in self.stages.items():
            macs = {counter: count.macs for counter, count in counts.items()}
            left_out = {counter: dict(count.left_out) for counter, count in counts.items()}
            place = {"method": self.method, "backbone": self.backbone, "frame": self.frame, "stage": stage}
            yield {**place, "macs": macs, "left_out": left_out}

    def text(self) -> str:
        """A table of GMACs, then a line for each counter and stage with something left out."""
        lines = [f"{self.method}, {self.backbone}, {self.frame} frame", "", _table(self.stages), ""]
        for counter in COUNTERS:
            for stage, counts in self.stages.items():
                if counts[counter].left_out:
                    lines.append(f"{counter} leaves out of the {stage}: {_listed(counts[counter].left_out)}")
        return "\n".join(lines)


def counters(
    methods: Sequence[str] | None, *, backbones: Sequence[str], size: tuple[int, int], num_classes: int
) -> Iterator[CountedFrame]:
    """The frames of each method (all of the project's own, where None) with each backbone, as they are counted."""
    for backbone in backbones:
        for method in methods or METHODS:
            of_frame, of_key = branches(method, backbone)
            with shapes_only():
                model = build(method, backbone=of_frame, key_backbone=of_key, num_classes=num_classes)
            for kind, stages in count_by_stage(model, size).items():
                yield CountedFrame(method, backbone, kind, stages)


def _table(stages: StageCounts) -> str:
    rows = [
        {"stage": stage, **{counter: f"{count.macs / GIGA:.4f}" for counter, count in counts.items()}}
        for stage, counts in stages.items()
    ]
    align = ["left"] + ["right"] * len(COUNTERS)
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True, colalign=align)


def _listed(left_out: Counter[str]) -> str:
    return ", ".join(f"{name.removeprefix('aten::')} x{calls}" for name, calls in left_out.most_common())
