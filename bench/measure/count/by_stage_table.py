"""The table of `mpvss-bench cost --counters`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.measure.count.by_stage import COUNTERS, Count, StageCounts, count_by_stage
from bench.measure.count.macs import shapes_only
from bench.methods import build
from bench.methods.names import METHODS, branches
from bench.runs.results import write_json
from bench.runs.schema import COUNTED_SCHEMA

GIGA = 1e9


def print_counters(
    methods: Sequence[str] | None,
    backbones: Sequence[str],
    size: tuple[int, int],
    num_classes: int,
    json_file: Path | None,
) -> None:
    """Print, for each method and backbone, GMACs of each stage by each counter; write the same to `json_file`."""
    print(
        f"GMACs of the lean graph at {size[0]}x{size[1]}, {num_classes} classes; torch is FlopCounterMode, halved. "
        "thop counts transposed convolutions too high."
    )
    rows: list[dict[str, Any]] = []
    for backbone in backbones:
        for method in methods or METHODS:
            of_frame, of_key = branches(method, backbone)
            with shapes_only():
                model = build(method, backbone=of_frame, key_backbone=of_key, num_classes=num_classes)
            for kind, stages in count_by_stage(model, size).items():
                print(f"\n{method}, {backbone}, {kind} frame\n\n{_table(stages)}\n")
                print("\n".join(_left_out(stages)))
                rows += (
                    {"method": method, "backbone": backbone, "frame": kind, "stage": stage, **_plain(counts)}
                    for stage, counts in stages.items()
                )
    if json_file is not None:
        setting = {"height": size[0], "width": size[1], "num_classes": num_classes}
        write_json(json_file, {"schema": COUNTED_SCHEMA, **setting, "stages": rows})
        print(f"written: {json_file}")


def _table(stages: StageCounts) -> str:
    rows = [
        {"stage": stage, **{counter: f"{count.macs / GIGA:.4f}" for counter, count in counts.items()}}
        for stage, counts in stages.items()
    ]
    align = ["left"] + ["right"] * len(COUNTERS)
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True, colalign=align)


def _left_out(stages: StageCounts) -> Iterator[str]:
    """A line for each counter and stage with something left out."""
    for counter in COUNTERS:
        for stage, counts in stages.items():
            if counts[counter].left_out:
                yield f"{counter} leaves out of the {stage}: {_listed(counts[counter].left_out)}"


def _listed(left_out: Counter[str]) -> str:
    return ", ".join(f"{name.removeprefix('aten::')} x{calls}" for name, calls in left_out.most_common())


def _plain(counts: dict[str, Count]) -> dict[str, Any]:
    return {
        "macs": {counter: count.macs for counter, count in counts.items()},
        "left_out": {counter: dict(count.left_out) for counter, count in counts.items()},
    }
