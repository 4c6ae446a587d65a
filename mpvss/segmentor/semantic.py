"""Semantic inference: class probabilities times masks, a tile at a time (Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from mpvss.stages import stage


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
    """Whether labels are found a tile at a time; False computes the whole score volume, padding included."""

    @stage("semantic inference")
    def scores(self) -> Float[Tensor, "c h w"]:
        """The whole score volume: classes x height x width numbers."""
        if self.tiled:
            return torch.cat(list(self._tiles()), dim=1)
        full = (self.mask_logits.shape[-2] * self.stride, self.mask_logits.shape[-1] * self.stride)
        masks = F.interpolate(self.mask_logits[None], full, mode="bilinear", align_corners=False)[0].sigmoid()
        scores = torch.einsum("qc,qhw->chw", self.class_weights, masks)
        if self.offset is not None:
            scores = scores + self.offset[:, None, None]
        return scores[:, : self.size[0], : self.size[1]]

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel; no more than a tile's scores is in memory at once."""
        tiles = self._tiles() if self.tiled else [self.scores()]
        return torch.cat([_first_highest(tile) for tile in tiles])

    def _tiles(self) -> Iterator[Float[Tensor, "c rows w"]]:
        """Scores of a few rows at a time, from the top: those between one row of the mask grid and the next.

        Masks are enlarged along a row once, and each row of the frame is a mean of two such rows. The masks of a
        pixel lie side by side in memory meanwhile, so that all of this runs along contiguous numbers.
        """
        height, width = self.size
        last = self.mask_logits.shape[-2] - 1
        used_columns = min(-(-width // self.stride) + 1, self.mask_logits.shape[-1])
        masks = self.mask_logits[None, ..., :used_columns].contiguous(memory_format=torch.channels_last)

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


def _first_highest(scores: Float[Tensor, "c rows w"]) -> UInt8[Tensor, "rows w"]:
    """The class of the highest score, of equals the first.

    Torch finds a maximum along the first axis in a tenth of the time that it takes to say where it is. So the others
    are pushed below any class number, and where it is is a maximum too.
    """
    scores = scores.to(torch.float32)  # half precision has no room for the push
    below = scores - scores.amax(0)
    before = torch.arange(0, -len(scores), -1, device=scores.device, dtype=scores.dtype)[:, None, None]
    return below.mul_(1e30).add_(before).amax(0).neg_().to(torch.uint8)
