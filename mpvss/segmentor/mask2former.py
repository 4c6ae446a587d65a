"""Mask2Former: backbone, pixel decoder, query decoder."""

from __future__ import annotations

import copy
import itertools
from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.labels import check_num_classes
from mpvss.segmentor.pixel_decoder import PixelDecoder
from mpvss.segmentor.query_decoder import QueryDecoder, Segments
from mpvss.segmentor.semantic import BOUNDS, MaskPrediction, SemanticInference
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import as_float, check_frame, frame_size

Method = TypeVar("Method")

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
PADDING = 32
"""Frames are zero-padded at the bottom and right to multiples of this, after normalisation."""


class Mask2Former(nn.Module):
    """A query-based segmentor of one image (Sec. 3.2)."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        backbone: nn.Module,
        pixel_decoder: PixelDecoder,
        query_decoder: QueryDecoder,
        inference: SemanticInference = BOUNDS,
        shared: SharedResults | None = None,
    ) -> None:
        """Join three built parts.

        Args:
            backbone: gives four maps, (B, C, H, W) from 1/4 to 1/32 of a normalised image whose sides are multiples
                of 32; `out_channels` names their widths.
            pixel_decoder: built for those widths.
            query_decoder: its width and mask width are the pixel decoder's; its classes are this network's.
            inference: how predictions compute scores and labels.
            shared: what keeps results for the methods that hold this network; None: nothing does.

        Raises:
            UserError: the query decoder has more classes than label maps can hold.

        """
        super().__init__()
        self.backbone = backbone
        self.pixel_decoder = pixel_decoder
        self.query_decoder = query_decoder
        self.inference = inference
        self.shared = shared
        self.num_classes = query_decoder.class_embed.out_features - 1
        check_num_classes(self.num_classes)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD).view(3, 1, 1), persistent=False)

    @shareable
    @stage("backbone")
    def features(self, frame: Shaped[Tensor, "*b 3 h w"]) -> list[Tensor]:
        """The backbone's maps of an RGB frame, 0..255, or of a batch of them; fine to coarse, with a batch axis."""
        frames = frame if frame.ndim == 4 else frame[None]
        check_frame(frames[0])
        normed = (as_float(frames) - self.pixel_mean) / self.pixel_std
        return self.backbone(pad_to_multiple(normed, PADDING))

    @shareable
    def decode(self, maps: list[Tensor]) -> Segments:
        """The last decoder layer's segments from a backbone's maps."""
        return self.query_decoder(self.pixel_decoder(maps), self.pixel_decoder.mask_features)

    def decode_every_layer(self, maps: list[Tensor]) -> list[Segments]:
        """The segments before the first decoder layer and after each, as deep supervision needs them."""
        return self.query_decoder.every_layer(self.pixel_decoder(maps), self.pixel_decoder.mask_features)

    def forward(self, frame: Shaped[Tensor, "3 h w"]) -> Segments:
        """The segments of one RGB frame, 0..255."""
        return self.decode(self.features(frame))

    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> MaskPrediction:
        """The semantic prediction of one RGB frame, 0..255."""
        return self.prediction(self(frame), frame_size(frame))

    @shareable
    @stage("semantic inference")
    def prediction(self, segments: Segments, size: tuple[int, int]) -> MaskPrediction:
        """The semantic prediction the segments make for a frame of `size` (height, width)."""
        return MaskPrediction(
            class_weights=segments.class_logits[0].softmax(-1)[:, :-1],  # "no object" dropped
            mask_logits=segments.mask_logits[0],
            size=size,
            inference=self.inference,
        )


def pad_to_multiple(x: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c ph pw"]:
    """Zeros at the bottom and right until both sides are multiples of `multiple`."""
    return F.pad(x, (0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple))


def with_fixed_work(method: Method) -> Method:
    """A copy of a method that does the same work whatever is in a picture; it holds the same weights.

    For counts, for compiled code and for recorded graphs. A method that is no module is returned as it is.
    """
    if not isinstance(method, nn.Module):
        return method
    weights = itertools.chain(method.parameters(), method.buffers())
    copied = copy.deepcopy(method, {id(tensor): tensor for tensor in weights})
    for module in copied.modules():
        if isinstance(module, Mask2Former):
            module.inference = module.inference.with_fixed_work()
    return copied
