"""Runs with planted numbers, written as a sweep writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import made_records
import numpy as np

from bench.runs.clip_counts import ClipCounts
from bench.runs.records.cell import ClipPixels
from bench.runs.write import open_run

CLASSES = ["sky", "a_b & c%"]
SMALL = {
    ("per-frame", 1): 0.80,
    ("copy", 2): 0.74,
    ("copy", 5): 0.60,
    ("copy", 10): 0.50,
    ("optical-flow", 2): 0.78,
    ("optical-flow", 5): 0.70,
    ("optical-flow", 10): 0.60,
    ("mpvss", 2): 0.79,
    ("mpvss", 5): 0.785,
    ("mpvss", 10): 0.77,
}
"""The mIoU of each method and interval: every small-scale claim holds."""


def clips(miou: float, hard: int = 5) -> list[ClipPixels]:
    """Two classes in five clips; pooled, both have the IoU `miou`. The more alike the clips, the surer the measure."""
    pixels = 100_000
    hit = round(pixels * 2 * miou / (1 + miou))  # hit / (2 pixels - hit) is the IoU
    counts = np.array([[[[hit, pixels, pixels], [hit, pixels, pixels]]]] * hard)
    return ClipCounts(tuple(f"clip {i}" for i in range(hard)), counts).record()


def cell(miou: float | None = None, weights: str = "w", macs: float = 1e9, ms: float = 10.0, **parts) -> dict[str, Any]:
    """A good cell; without `miou`, of data without labels. A key frame takes `ms`, a non-key frame half as long."""
    accuracy = {"miou": miou, "wiou": miou, "class_iou": [miou, miou], "labelled_frames": 20}
    return {
        "weights": weights,
        "errors": {},
        "accuracy": None if miou is None else accuracy,
        "clips": None if miou is None else clips(miou),
        "cost": {"parameters": 2_000_000, "key_macs": 5e9, "non_key_macs": 1e9, "mean_macs": macs},
        "timing": timing(ms, ms / 2),
        "memory": {"host_peak_bytes": 2**20},
        **parts,
    }


def timing(key_ms: float, non_key_ms: float, rounds: Sequence[float] = (1.0, 1.0), **more: Any) -> dict[str, Any]:
    """Times of one key frame and one non-key frame, in each round so many times as long as given."""
    columns = {
        "round": [index for index, _ in enumerate(rounds) for _ in range(2)],
        "frame": [0, 1] * len(rounds),
        "key": [True, False] * len(rounds),
        "seconds": [factor * ms / 1000 for factor in rounds for ms in (key_ms, non_key_ms)],
    }
    kinds = [
        {"scope": "labels", "kind": kind, "samples": 1, "mean_ms": ms, "p50_ms": ms}
        for kind, ms in (("key", key_ms), ("non-key", non_key_ms))
    ]
    return {
        "fps_labels": 1000 / key_ms,
        "p50_key_ms": key_ms,
        "p50_non_key_ms": non_key_ms,
        "samples": {"labels": columns},
        "warmup": {"labels": columns},
        "kinds": kinds,
        **more,
    }


def make(
    path: Path, cells: Mapping[tuple[str, int], dict[str, Any]], backbone: str = "micro", data: str = "made", **more
) -> Path:
    """A run of these cells, keyed by method and interval."""
    asked = made_records.asked(
        list(dict.fromkeys(method for method, _ in cells)), [backbone], sorted({interval for _, interval in cells})
    )
    run = open_run(path, made_records.configuration(CLASSES, data=data, **more), asked, made_records.START)
    for (method, interval), record in cells.items():
        run.save(made_records.cell_record(backbone, method, interval, **record))
    return path


def timed(path: Path, times: Mapping[str, dict[str, Any]], weights: str = "w", **more) -> Path:
    """A run that only timed: of each method, its `timing`."""
    cells = {(method, 5): {**cell(weights=weights), "timing": of_method} for method, of_method in times.items()}
    return make(path, cells, **{"stopping": "when it is precise", "scopes": ["labels"], **more})


def small(path: Path, **changed: float) -> Path:
    """The run of `SMALL`; `mpvss_5=0.6` changes one mIoU."""
    planted = {f"{method.replace('-', '_')}_{interval}": miou for (method, interval), miou in SMALL.items()}
    assert changed.keys() <= planted.keys()
    values = {key: changed.get(f"{key[0].replace('-', '_')}_{key[1]}", miou) for key, miou in SMALL.items()}
    keys = list(values)
    return make(path, {k: cell(values[k], macs=1e9 * (20 - i), ms=20.0 - i) for i, k in enumerate(keys)})
