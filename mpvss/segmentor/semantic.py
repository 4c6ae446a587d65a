"""Semantic inference: class probabilities times masks (Sec. 3.2), in one of several ways with the same result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mpvss.layers import count_at_once
from mpvss.segmentor.blocks import first_highest, labels_by_blocks
from mpvss.stages import stage


class SemanticInference(ABC):
    """A way to compute the scores and labels of a `MaskPrediction`."""

    @abstractmethod
    def scores(self, prediction: MaskPrediction) -> Float[Tensor, "c h w"]:
        """The whole score volume: classes x height x width numbers."""

    @abstractmethod
    def labels(self, prediction: MaskPrediction) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel."""

    def with_fixed_work(self) -> SemanticInference:
        """The way whose work does not depend on what the masks hold: for counts, and for recorded graphs."""
        return self


@dataclass(frozen=True)
class WholeVolume(SemanticInference):
    """The published way: every score at once, those of the padding included."""

    def scores(self, prediction: MaskPrediction) -> Float[Tensor, "c h w"]:
        masks = prediction.masks()
        full = (masks.shape[-2] * prediction.stride, masks.shape[-1] * prediction.stride)
        masks = F.interpolate(masks[None], full, mode="bilinear", align_corners=False)[0].sigmoid()
        scores = torch.einsum("qc,qhw->chw", prediction.class_weights, masks)
        if prediction.offset is not None:
            scores = scores + prediction.offset[:, None, None]
        return scores[:, : prediction.size[0], : prediction.size[1]]

    def labels(self, prediction: MaskPrediction) -> UInt8[Tensor, "h w"]:
        return first_highest(self.scores(prediction))


@dataclass(frozen=True)
class Tiles(SemanticInference):
    """Some rows of scores at a time; labels hold no more than those in memory."""

    def scores(self, prediction: MaskPrediction) -> Float[Tensor, "c h w"]:
        return torch.cat(list(_tiles(prediction)), dim=1)

    def labels(self, prediction: MaskPrediction) -> UInt8[Tensor, "h w"]:
        return torch.cat([first_highest(tile) for tile in _tiles(prediction)])


@dataclass(frozen=True)
class Bounds(Tiles):
    """Labels from bounds for blocks of pixels, where these spare work: on a CPU. Elsewhere, and for scores, tiles.

    Other devices are faster at the same work for every pixel.
    """

    def labels(self, prediction: MaskPrediction) -> UInt8[Tensor, "h w"]:
        if not prediction.mask_logits.is_cpu:
            return super().labels(prediction)
        return labels_by_blocks(
            prediction.class_weights, prediction.masks(), prediction.offset, prediction.size, prediction.stride
        )

    def with_fixed_work(self) -> Tiles:
        return Tiles()


BOUNDS = Bounds()


@dataclass(frozen=True)
class MaskPrediction:
    """Scores[c] = Σ_q class_weights[q, c] · sigmoid(mask of q, upsampled) + offset[c].

    Masks are upsampled bilinearly by `stride`, cut to `size` and only then passed through the sigmoid.
    """

    class_weights: Float[Tensor, "q c"]
    mask_logits: Float[Tensor, "q h w"]
    size: tuple[int, int]
    """Height and width of the frame."""
    stride: int = 4
    offset: Float[Tensor, " c"] | None = None
    inference: SemanticInference = BOUNDS
    """The way that scores and labels are computed."""

    @stage("semantic inference")
    def scores(self) -> Float[Tensor, "c h w"]:
        """The whole score volume: classes x height x width numbers."""
        with self._in_full_precision():
            return self.inference.scores(self)

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel, the first among equals."""
        with self._in_full_precision():
            return self.inference.labels(self)

    def masks(self) -> Float[Tensor, "q h w"]:
        """`mask_logits` in the number format of the class weights."""
        return self.mask_logits.to(self.class_weights.dtype)

    def _in_full_precision(self) -> AbstractContextManager:
        """A context without autocast: half precision lacks the digits to tell the scores of classes apart."""
        device = self.mask_logits.device.type
        # The "meta" device, on which work is counted, has no autocast to get out of.
        return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


SCORE_COPIES = 3
"""Numbers of a tile for each of its scores: the scores, and what finding the highest makes of them."""


def _tiles(prediction: MaskPrediction) -> Iterator[Float[Tensor, "c rows w"]]:
    """Scores of some rows at a time, from the top: those between a few neighbouring rows of the mask grid.

    Masks are upsampled along a row once, and each row of the frame is a mean of two such rows. The masks of a pixel
    lie side by side in memory meanwhile, so that all of this runs along contiguous numbers.
    """
    (height, width), stride = prediction.size, prediction.stride
    last = prediction.mask_logits.shape[-2] - 1
    used_columns = min(-(-width // stride) + 1, prediction.mask_logits.shape[-1])
    masks = prediction.masks()[None, ..., :used_columns].contiguous(memory_format=torch.channels_last)
    queries, classes = prediction.class_weights.shape

    def upsampled_rows(first: int, end: int) -> Float[Tensor, "n w q"]:
        rows = masks[:, :, min(first, last) : end]
        rows = F.interpolate(rows, (rows.shape[2], used_columns * stride), mode="bilinear", align_corners=False)
        rows = rows[0].permute(1, 2, 0)
        return rows if len(rows) == end - first else torch.cat((rows, rows[-1:]))  # beyond the grid, its last row

    shares = ((torch.arange(stride, device=masks.device) + 0.5) / stride).to(masks.dtype)[:, None, None]
    carried = upsampled_rows(0, 1)
    count = -(-(height + stride // 2) // stride)
    at_once = count_at_once(masks.device, stride * used_columns * stride * (queries + SCORE_COPIES * classes))
    for first in range(0, count, at_once):
        lower = upsampled_rows(first, min(first + at_once, count))
        upper = carried if len(lower) == 1 else torch.cat((carried, lower[:-1]))
        carried = lower[-1:]
        tile = torch.lerp(upper[:, None], lower[:, None], shares).flatten(0, 1)
        top = first * stride - stride // 2  # of the tile, in the frame
        tile = tile[max(-top, 0) : height - top]
        scores = prediction.class_weights.T @ tile.sigmoid_().flatten(0, 1).T
        if prediction.offset is not None:
            scores += prediction.offset[:, None]
        yield scores.unflatten(1, tile.shape[:2])[..., :width]
