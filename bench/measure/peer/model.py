"""The `transformers` library's Mask2Former as a method. Needs the extra `peer`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn

from mpvss.presets import BACKBONES, PAPER, SwinNumbers
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD, pad_to_multiple

SWINS = {
    name: row.numbers for name, row in BACKBONES.items() if isinstance(row.numbers, SwinNumbers) and row.head is PAPER
}
"""The backbones that the peer can be built with."""
GAINS = {
    "queries_features.weight": 16.0,
    "queries_embedder.weight": 16.0,
    "attn.out_proj.weight": 0.1,
    "fc2.weight": 0.3,
    "mask_embedder.2.0.weight": 32.0,
    "class_predictor.weight": 15.0,
}
"""Factors of the transformer decoder's random weights, by the ends of their names. Without them all queries say the
same, and the label map is of one class."""


@dataclass(frozen=True)
class ScoreVolume:
    """A prediction that is its score volume."""

    volume: Float[Tensor, "c h w"]

    def scores(self) -> Float[Tensor, "c h w"]:
        """The volume."""
        return self.volume

    def labels(self) -> UInt8[Tensor, "h w"]:
        """Its argmax."""
        return self.volume.argmax(0).to(torch.uint8)


class Peer(nn.Module):
    """Mask2Former of the library, its masks upsampled, through the sigmoid and weighted by class. A `VideoSegmenter`.

    Its weights are random, and spread so that the label map of a picture holds many classes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: str, num_classes: int) -> None:
        super().__init__()
        from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

        stages = [f"stage{index}" for index in range(1, 5)]
        numbers = SWINS[backbone]
        swin = SwinConfig(
            embed_dim=numbers.embed_dim,
            depths=list(numbers.depths),
            num_heads=list(numbers.heads),
            window_size=numbers.window,
            out_features=stages,  # type: ignore[call-arg]
            drop_path_rate=0.0,
        )
        configuration = Mask2FormerConfig(backbone_config=swin, num_labels=num_classes)  # type: ignore[call-arg]
        self.num_classes = num_classes
        self.model = Mask2FormerForUniversalSegmentation(configuration)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if "transformer_module" in name or "class_predictor" in name:
                    for end, gain in GAINS.items():
                        if name.endswith(end):
                            parameter.mul_(gain)
        self.register_buffer("mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(PIXEL_STD).view(3, 1, 1), persistent=False)

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScoreVolume, None]:
        """The scores of one RGB frame, 0..255."""
        pixels = pad_to_multiple(((frame - self.mean) / self.std)[None], 32)
        out = self.model(pixel_values=pixels)
        masks = F.interpolate(out.masks_queries_logits, pixels.shape[-2:], mode="bilinear", align_corners=False)
        masks = masks[..., : frame.shape[1], : frame.shape[2]].sigmoid()
        classes = out.class_queries_logits.softmax(-1)[..., :-1]
        return ScoreVolume(torch.einsum("bqc,bqhw->bchw", classes, masks)[0]), None

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: None) -> tuple[ScoreVolume, None]:
        """Every frame is a key frame."""
        return self.segment(frame)
