"""Batches that tasks are trained on: frames of clips or pairs of them, with their ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from mpvss.errors import UserError
from mpvss.labels import IGNORE


@dataclass(frozen=True)
class Batch:
    """Frames of one size; where pairs are trained on, each with its key frame."""

    frames: Shaped[Tensor, "b 3 h w"]
    """RGB, 0..255, uint8 or float."""
    key_frames: Shaped[Tensor, "b 3 h w"] | None
    """The key frame of each frame; None where single frames are trained on."""
    labels: UInt8[Tensor, "b h w"] | None
    """Class ids of `frames`; 255 = ignore."""
    flow: Float[Tensor, "b 2 h w"] | None
    """Ground-truth backward flow from a frame to its key frame, in pixels, x then y; nan where it is not known."""
    names: tuple[str, ...]
    """The clip and index of each frame, for messages."""
    seeds: tuple[int, ...]
    """A seed for the random points of each frame."""

    def to(self, device: torch.device) -> Batch:
        """The same batch on the device."""
        moved = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **moved)

    def generators(self) -> list[torch.Generator]:
        """A generator for each frame, fresh from its seed, on the frames' device."""
        return [torch.Generator(self.frames.device).manual_seed(seed) for seed in self.seeds]

    def require_key_frames(self) -> Shaped[Tensor, "b 3 h w"]:
        """`key_frames`; UserError where there are none."""
        return _require(self.key_frames, "key frames")

    def require_labels(self) -> UInt8[Tensor, "b h w"]:
        """`labels`; UserError where there are none."""
        return _require(self.labels, "labels")

    def require_flow(self) -> Float[Tensor, "b 2 h w"]:
        """`flow`; UserError where there is none."""
        return _require(self.flow, "ground-truth flow")


def stack(examples: Sequence[Batch]) -> Batch:
    """Several batches of one size and kind as one batch."""

    def joined(name: str) -> Tensor | None:
        values = [getattr(example, name) for example in examples]
        return None if values[0] is None else torch.cat(values)

    return Batch(
        frames=torch.cat([example.frames for example in examples]),
        key_frames=joined("key_frames"),
        labels=joined("labels"),
        flow=joined("flow"),
        names=tuple(name for example in examples for name in example.names),
        seeds=tuple(seed for example in examples for seed in example.seeds),
    )


def pad_labels(labels: UInt8[Tensor, "b h w"], multiple: int) -> UInt8[Tensor, "b ph pw"]:
    """Label maps padded with `IGNORE` at the bottom and right, as frames are padded with zeros."""
    return F.pad(labels, (0, -labels.shape[-1] % multiple, 0, -labels.shape[-2] % multiple), value=IGNORE)


def _require(value: Tensor | None, what: str) -> Tensor:
    if value is None:
        raise UserError(f"this task is trained on {what}, and the batch has none")
    return value
