"""Semantic inference: class probabilities times masks, a tile at a time (Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

TILE_ROWS = 2
"""Rows of the mask grid in a tile: small enough for a tile's masks and scores to stay in a processor's cache."""


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

    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel; no more than a tile's scores is in memory at once."""
        tiles = self._tiles() if self.tiled else [self.scores()]
        # `max` finds the index in less time than `argmax`.
        return torch.cat([tile.max(0).indices.to(torch.uint8) for tile in tiles])

    def _tiles(self) -> Iterator[Float[Tensor, "c rows w"]]:
        """Scores of a few rows at a time, from the top.

        The masks of a pixel lie side by side in memory while they are enlarged, which halves the time of that.
        """
        height, width = self.size
        grid_rows = self.mask_logits.shape[-2]
        used_columns = min(-(-width // self.stride) + 1, self.mask_logits.shape[-1])
        masks = self.mask_logits[None, ..., :used_columns].contiguous(memory_format=torch.channels_last)
        for top in range(0, -(-height // self.stride), TILE_ROWS):
            bottom = min(top + TILE_ROWS, grid_rows)
            # A row of margin on either side makes the enlargement that of the whole mask.
            above, below = max(top - 1, 0), min(bottom + 1, grid_rows)
            enlarged = ((below - above) * self.stride, used_columns * self.stride)
            tile = F.interpolate(masks[:, :, above:below], enlarged, mode="bilinear", align_corners=False)
            first = (top - above) * self.stride
            last = min((bottom - above) * self.stride, height - above * self.stride)
            tile = tile[0].permute(1, 2, 0)[first:last]  # (rows, columns, queries)
            scores = self.class_weights.T @ tile.sigmoid_().flatten(0, 1).T
            if self.offset is not None:
                scores += self.offset[:, None]
            yield scores.unflatten(1, tile.shape[:2])[..., :width]
