"""Predicted speed of any methods on any devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip
from bench.measure.count.frames import record_frames
from bench.measure.predict.cpu_model import CpuModel
from bench.measure.predict.devices import Device, Precision, read_devices
from bench.measure.predict.fit import Speed
from bench.measure.predict.fused import fused_deformable_attention
from bench.measure.predict.kernels import kernels_of
from bench.measure.predict.model import Rates, seconds
from bench.measure.predict.operations import describe_frames
from bench.measure.predict.published import published_rates
from bench.methods import build
from bench.methods.names import METHODS, branches, method_of, runs_on_shapes
from mpvss.errors import UserError
from mpvss.presets import Execution


@dataclass(frozen=True)
class PredictedSpeed:
    """A method's speed on a device, in scope `labels` without the copy to the host. Nothing in it was measured."""

    method: str
    backbone: str
    device: str
    precision: Precision
    graph: Execution
    key_ms: float
    non_key_ms: float
    fps: float


def predict(
    methods: Sequence[str] | None = None,
    *,
    devices: Sequence[str],
    backbones: Sequence[str] = ("r50",),
    size: tuple[int, int] = (480, 853),
    num_classes: int = 124,
    interval: int = 5,
    clip_length: int = 15,
    precision: Precision = "float32",
    graph: Execution = "lean",
    devices_file: Path | None = None,
    rates: Rates | None = None,
    cpu: CpuModel | None = None,
) -> list[PredictedSpeed]:
    """A row for each of the `methods` (all of the project's own, where None), backbones and devices.

    `size` is (height, width). The published graph reads with the published CUDA kernel of deformable attention.
    `rates` are fitted to the paper's speeds on a V100, where None, and taken to hold for every device. `cpu` is a CPU
    that was fitted, the one device then.

    Raises:
        UserError: an unknown device, or one without a figure for `precision`; a method that cannot run on shapes.
    """
    if cpu is not None:
        clip = (interval, clip_length)
        pairs = [(method, backbone) for backbone in backbones for method in methods or METHODS]
        return [_on_cpu(method, backbone, size, num_classes, graph, clip, cpu) for method, backbone in pairs]
    known = read_devices(devices_file)
    chosen = {name: _known_device(name, known) for name in devices}
    for device in chosen.values():
        device.macs_per_second(precision)
    rates = rates or published_rates()
    rows = []
    for backbone in backbones:
        for method in methods or METHODS:
            frames = _speed(method, backbone, size, num_classes, graph, interval, clip_length)
            for name, device in chosen.items():
                key, non_key = (seconds(x, device, rates, precision) for x in (frames.key, frames.non_key))
                fps = 1 / frames.seconds(device, rates, precision)
                rows.append(PredictedSpeed(method, backbone, name, precision, graph, 1000 * key, 1000 * non_key, fps))
    return rows


def _on_cpu(
    method: str,
    backbone: str,
    size: tuple[int, int],
    num_classes: int,
    graph: Execution,
    clip: tuple[int, int],
    cpu: CpuModel,
) -> PredictedSpeed:
    name = method_of(method)
    of_frame, of_key = branches(name, backbone)
    frames = describe_frames(
        lambda: build(name, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, execution=graph), size
    )
    key, non_key = map(cpu.frame_seconds, frames)
    interval, clip_length = clip
    keys = FixedInterval(interval).count_keys(clip_length)
    fps = clip_length / (keys * key + (clip_length - keys) * non_key)
    return PredictedSpeed(method, backbone, "cpu", "float32", graph, 1000 * key, 1000 * non_key, fps)


def as_markdown(rows: Iterable[PredictedSpeed]) -> str:
    """The rows as a table; `~` is before each figure, as none was measured."""
    cells = [
        {
            "method": row.method,
            "backbone": row.backbone,
            "device": row.device,
            "precision": row.precision,
            "graph": row.graph,
            "predicted key (ms)": f"~{row.key_ms:.3g}",
            "predicted non-key (ms)": f"~{row.non_key_ms:.3g}",
            "predicted FPS": f"~{row.fps:.3g}",
        }
        for row in rows
    ]
    return pd.DataFrame(cells).to_markdown(index=False, disable_numparse=True, colalign=["left"] * 5 + ["right"] * 3)


def _known_device(name: str, known: dict[str, Device]) -> Device:
    if name not in known:
        raise UserError(f"unknown device {name!r}; known are {', '.join(known)}; a file of your own can add more")
    return known[name]


def _speed(
    method: str,
    backbone: str,
    size: tuple[int, int],
    num_classes: int,
    graph: Execution,
    interval: int,
    clip_length: int,
) -> Speed:
    name = method_of(method)
    of_frame, of_key = branches(name, backbone)
    is_own = runs_on_shapes(name, backbone)
    with torch.device("meta") if is_own else nullcontext():
        model = build(name, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, execution=graph)
    try:
        with fused_deformable_attention():
            key, non_key = record_frames(model, size)
    except Exception as error:
        reason = f"it does not run on shapes alone; {type(error).__name__}: {error}"
        raise UserError(f"{method}: no speed can be predicted, since {reason}") from error
    # Without key frames, a clip has one frame of the first kind.
    interval = clip_length if follows_the_clip(model) else interval
    return Speed(kernels_of(key.calls), kernels_of(non_key.calls), interval, clip_length)
