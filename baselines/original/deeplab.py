"""DeepLab at stride 16 with a deformable last stage, the segmentor of DFF and Accel as first published."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.original.deformable import DeformableConv
from baselines.original.resnet import build_stride16_resnet
from baselines.scores import ScorePrediction
from mpvss.labels import check_num_classes
from mpvss.segmentor.mask2former import pad_to_multiple
from mpvss.stages import stage
from mpvss.video import as_float, check_frame, frame_size

PIXEL_MEAN = (123.15, 115.90, 103.06)
PADDING = 32
"""Centred frames are zero-padded at the bottom and right to multiples of this."""
FEATURES = 2048


class DeepLab(nn.Module):
    """Features of a backbone, a 1x1 convolution with ReLU, and a 1x1 convolution to class scores.

    The published graph upsamples scores by fixed transposed convolutions. These are the bilinear upsampling of
    `ScorePrediction`, but for the outermost 8 pixels, whose scores fade to zero there, with the same best class.
    """

    pixel_mean: Tensor

    def __init__(self, backbone: nn.Module, num_classes: int) -> None:
        """`backbone` maps centred images to 2048 channels at 1/16."""
        super().__init__()
        check_num_classes(num_classes)
        self.num_classes = num_classes
        self.backbone = backbone
        self.reduce = nn.Conv2d(FEATURES, 1024, 1)
        self.score = nn.Conv2d(1024, num_classes, 1)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)

    def centre(self, frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 3 ph pw"]:
        """An RGB frame, 0..255, less its mean, and padded."""
        check_frame(frame)
        return pad_to_multiple((as_float(frame) - self.pixel_mean)[None], PADDING)

    @stage("backbone")
    def features(self, centred: Float[Tensor, "1 3 ph pw"]) -> Float[Tensor, "1 c h16 w16"]:
        """The backbone's features of a centred frame."""
        return self.backbone(centred)

    @stage("decode head")
    def classify(self, features: Float[Tensor, "1 c h16 w16"]) -> Float[Tensor, "1 k h16 w16"]:
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


def build_deeplab(depth: int, num_classes: int) -> DeepLab:
    """DeepLab on ResNet-50 or -101, randomly initialised: every 3x3 convolution of the last stage is deformable."""
    resnet = build_stride16_resnet(depth, dilations=((1,), (1,)), last_conv=partial(DeformableConv, 512))
    return DeepLab(LastMap(resnet), num_classes)
