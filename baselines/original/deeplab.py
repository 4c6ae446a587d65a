"""DeepLab at stride 16 with a deformable last stage, the segmentor of DFF and Accel as first published."""

from __future__ import annotations

import re
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.original.deformable import DeformableConv
from baselines.original.resnet import build_stride16_resnet
from baselines.scores import ScorePrediction
from mpvss.checkpoints.formats import NOTHING, CheckpointFormat, ClassHead
from mpvss.labels import check_num_classes
from mpvss.segmentor.mask2former import pad_to_multiple
from mpvss.stages import stage
from mpvss.video import as_float, check_frame, frame_size

PIXEL_MEAN = (123.15, 115.90, 103.06)
PADDING = 32
"""Centred frames are zero-padded at the bottom and right to multiples of this."""
FEATURES = 32
"""Channels of the features over the width of the backbone: 2048, where that is 64."""


class DeepLab(nn.Module):
    """Features of a backbone, a 1x1 convolution with ReLU, and a 1x1 convolution to class scores.

    The published graph upsamples scores by fixed transposed convolutions. These are the bilinear upsampling of
    `ScorePrediction`, but for the outermost 8 pixels, whose scores fade to zero there, with the same best class.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = CheckpointFormat(
        namings=(), class_heads=(ClassHead(re.compile(r"\bscore\.")),), unused=NOTHING
    )
    pixel_mean: Tensor

    def __init__(self, backbone: nn.Module, num_classes: int, *, channels: int = 2048) -> None:
        """`backbone` maps centred images to `channels` at 1/16."""
        super().__init__()
        check_num_classes(num_classes)
        self.num_classes = num_classes
        self.channels = channels
        self.backbone = backbone
        self.reduce = nn.Conv2d(channels, channels // 2, 1)
        self.score = nn.Conv2d(channels // 2, num_classes, 1)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)

    def centre(self, frame: Shaped[Tensor, "*b 3 h w"]) -> Float[Tensor, "n 3 ph pw"]:
        """An RGB frame, 0..255, or a batch of them, less the mean, and padded; with a batch axis."""
        frames = frame if frame.ndim == 4 else frame[None]
        check_frame(frames[0])
        return pad_to_multiple(as_float(frames) - self.pixel_mean, PADDING)

    @stage("backbone")
    def features(self, centred: Float[Tensor, "n 3 ph pw"]) -> Float[Tensor, "n c h16 w16"]:
        """The backbone's features of centred frames."""
        return self.backbone(centred)

    @stage("decode head")
    def classify(self, features: Float[Tensor, "n c h16 w16"]) -> Float[Tensor, "n k h16 w16"]:
        """Class scores of features."""
        return self.score(F.relu_(self.reduce(features)))

    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        return as_prediction(self.classify(self.features(self.centre(frame))), frame_size(frame))


def as_prediction(scores: Float[Tensor, "1 k h16 w16"], size: tuple[int, int]) -> ScorePrediction:
    """Scores of a padded frame as the prediction of the frame of `size` (height, width)."""
    height, width = size
    return ScorePrediction(scores[0], size, padded=(height + -height % PADDING, width + -width % PADDING))


class LastMap(nn.Module):
    """A ResNet's last map alone."""

    def __init__(self, resnet: nn.Module) -> None:
        super().__init__()
        self.resnet = resnet

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h16 w16"]:
        return self.resnet(image)[-1]


def build_deeplab(depth: int, num_classes: int, *, width: int = 64) -> DeepLab:
    """DeepLab on ResNet-50 or -101, randomly initialised: every 3x3 convolution of the last stage is deformable.

    `width` is `build_stride16_resnet`'s.
    """
    last_conv = partial(DeformableConv, 8 * width)
    resnet = build_stride16_resnet(depth, dilations=((1,), (1,)), last_conv=last_conv, width=width)
    return DeepLab(LastMap(resnet), num_classes, channels=FEATURES * width)
