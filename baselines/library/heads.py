"""Class scores from a network's outputs, as the library's processors make them before they resize to the frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from baselines.library.sizes import Size

Head = Callable[[Any], Tensor]
"""Gives class scores (B, C, h, w) from the outputs of a network of the library."""
MASK2FORMER_GRID = (384, 384)
"""The grid that Mask2Former's masks are resized to before they are weighed, whatever the size of the frame."""


def logits(outputs: Any) -> Float[Tensor, "b c h w"]:
    """The scores of a network that classifies pixels."""
    return outputs.logits


def mask_scores(outputs: Any, grid: Size | None = None) -> Float[Tensor, "b c h w"]:
    """The scores of a network that classifies masks, whose logits are resized to `grid` first; None: they are not."""
    masks = outputs.masks_queries_logits
    if grid is not None:
        masks = F.interpolate(masks, grid, mode="bilinear", align_corners=False)
    return weigh(masks, outputs.class_queries_logits)


def weigh(masks: Float[Tensor, "b q h w"], classes: Float[Tensor, "b q k"]) -> Float[Tensor, "b c h w"]:
    """Each class's score at a pixel: the sum over masks of the mask's probability there times that of the class.

    Both are given as logits. The last of the k classes is "no object", which has no score.
    """
    return torch.einsum("bqc,bqhw->bchw", classes.softmax(-1)[..., :-1], masks.sigmoid())


def head_of(model_type: str, size: dict[str, int]) -> Head:
    """The head of a kind of network; `size` is its image processor's."""
    if model_type == "mask2former":
        return partial(mask_scores, grid=MASK2FORMER_GRID)
    if model_type in EOMT:
        short = size["shortest_edge"]
        return partial(mask_scores, grid=(short, size.get("longest_edge") or short))
    return mask_scores if model_type in MASK_NETWORKS else logits


EOMT = ("eomt", "eomt_dinov3")
MASK_NETWORKS = ("mask2former", "maskformer", "oneformer", *EOMT)
"""Kinds of network that classify masks."""
