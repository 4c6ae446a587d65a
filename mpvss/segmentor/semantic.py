"""Semantic inference: class probabilities times masks, a tile at a time (Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mpvss.segmentor.blocks import first_highest, labels_by_blocks
from mpvss.stages import stage

_shortcuts = True


@contextmanager
def without_shortcuts() -> Iterator[None]:
    """Find labels with the same work whatever the masks hold, in the whole process: for counts, and recorded graphs."""
    global _shortcuts
    before, _shortcuts = _shortcuts, False
    try:
        yield
    finally:
        _shortcuts = before


@dataclass(frozen=True)
class MaskPrediction:
    """Scores[c] = Σ_q class_weights[q, c] · sigmoid(mask of q, enlarged) + offset[c].

    Masks are enlarged bilinearly by `stride`, cut to `size` and only then passed through the sigmoid.
    """

    class_weights: Float[Tensor, "q c"]
    mask_logits: Float[Tensor, "q h w"]
    size: tuple[int, int]
    """Height and width of the frame."""
    stride: int = 4
    offset: Float[Tensor, " c"] | None = None
    tiled: bool = True
    """Whether scores are found a tile at a time; False computes the whole score volume, padding included."""

    @stage("semantic inference")
    def scores(self) -> Float[Tensor, "c h w"]:
        """The whole score volume: classes x height x width numbers."""
        with self._in_full_precision():
            return self._whole() if not self.tiled else torch.cat(list(self._tiles()), dim=1)

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel; no more than a tile's scores is in memory at once.

        On a CPU they are found by blocks, which computes no score that bounds can spare. Other devices are faster at
        the same work for every pixel.
        """
        with self._in_full_precision():
            if not self.tiled:
                return first_highest(self._whole())
            if _shortcuts and self.mask_logits.is_cpu:
                return labels_by_blocks(self.class_weights, self._masks(), self.offset, self.size, self.stride)
            return torch.cat([first_highest(tile) for tile in self._tiles()])

    def _in_full_precision(self) -> AbstractContextManager:
        """Out of autocast: half precision has not the digits to tell the scores of classes apart."""
        device = self.mask_logits.device.type
        # The "meta" device, on which work is counted, has no autocast to get out of.
        return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()

    def _masks(self) -> Float[Tensor, "q h w"]:
        return self.mask_logits.to(self.class_weights.dtype)

    def _whole(self) -> Float[Tensor, "c h w"]:
        full = (self.mask_logits.shape[-2] * self.stride, self.mask_logits.shape[-1] * self.stride)
        masks = F.interpolate(self._masks()[None], full, mode="bilinear", align_corners=False)[0].sigmoid()
        scores = torch.einsum("qc,qhw->chw", self.class_weights, masks)
        if self.offset is not None:
            scores = scores + self.offset[:, None, None]
        return scores[:, : self.size[0], : self.size[1]]

    def _tiles(self) -> Iterator[Float[Tensor, "c rows w"]]:
        """Scores of a few rows at a time, from the top: those between one row of the mask grid and the next.

        Masks are enlarged along a row once, and each row of the frame is a mean of two such rows. The masks of a
        pixel lie side by side in memory meanwhile, so that all of this runs along contiguous numbers.
        """
        height, width = self.size
        last = self.mask_logits.shape[-2] - 1
        used_columns = min(-(-width // self.stride) + 1, self.mask_logits.shape[-1])
        masks = self._masks()[None, ..., :used_columns].contiguous(memory_format=torch.channels_last)

        def enlarged_row(index: int) -> Float[Tensor, "1 w q"]:
            row = masks[:, :, index : index + 1]
            row = F.interpolate(row, (1, used_columns * self.stride), mode="bilinear", align_corners=False)
            return row[0].permute(1, 2, 0)

        shares = (torch.arange(self.stride, device=masks.device) + 0.5) / self.stride
        upper = enlarged_row(0)
        for index in range(-(-(height + self.stride // 2) // self.stride)):
            lower = enlarged_row(min(index, last))
            tile = torch.lerp(upper, lower, shares[:, None, None].to(upper.dtype))
            upper = lower
            top = index * self.stride - self.stride // 2  # of the tile, in the frame
            tile = tile[max(-top, 0) : height - top]
            scores = self.class_weights.T @ tile.sigmoid_().flatten(0, 1).T
            if self.offset is not None:
                scores += self.offset[:, None]
            yield scores.unflatten(1, tile.shape[:2])[..., :width]
