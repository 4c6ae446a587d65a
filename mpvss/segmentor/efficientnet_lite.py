"""EfficientNet-Lite0 as a backbone: inverted residual blocks without squeeze-and-excitation, ReLU6 throughout.

Tan and Le, "EfficientNet" (ICML 2019), Table 1, in the Lite variant of its authors. Its batch norms are frozen and
folded into the convolutions as they run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from functools import partial
from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.checkpoints.formats import CheckpointFormat, Naming, renamed
from mpvss.layers import constant
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD
from mpvss.segmentor.resnet import FrozenBatchNorm2d, convolve

EPS = 1e-3
"""Epsilon of the batch norms, that of the published network."""
MIDDLE, SPAN = 127.0, 128.0
"""The published network takes (pixel - MIDDLE) / SPAN."""
_PUBLISHED = (
    (r"^_conv_stem\.", "backbone.stem."),
    (r"^_bn0\.", "backbone.stem.norm."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"backbone.blocks.\1.expand."),
    (r"^_blocks\.(\d+)\._bn0\.", r"backbone.blocks.\1.expand.norm."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"backbone.blocks.\1.depthwise."),
    (r"^_blocks\.(\d+)\._bn1\.", r"backbone.blocks.\1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"backbone.blocks.\1.project."),
    (r"^_blocks\.(\d+)\._bn2\.", r"backbone.blocks.\1.project.norm."),
)


def _recognises(names: Set[str]) -> bool:
    return {"_conv_stem.weight", "_blocks.0._depthwise_conv.weight"} <= names


class FoldedConv2d(nn.Conv2d):
    """A convolution and a frozen batch norm as one, padded so that the output has 1/stride of the input's size."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """Make the convolution.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            kernel: side of the kernel, odd.
            stride: 1 or 2; with 2, sides of the input are even.
            groups: groups of channels that do not see each other.

        """
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.norm = FrozenBatchNorm2d(out_channels, eps=EPS)
        # One pixel fewer on the top and left: as the published network was trained.
        before = (kernel - stride) // 2
        self.uneven = None if stride == 1 else (before, kernel - stride - before) * 2

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        scale, offset = self.norm.scale_and_offset()
        padded = input if self.uneven is None else F.pad(input, self.uneven)
        return convolve(self, padded, self.weight * scale[:, None, None, None], offset)


class InvertedResidual(nn.Module):
    """1x1 convolution to more channels, depthwise convolution, 1x1 convolution back; a shortcut where sizes agree."""

    def __init__(self, in_channels: int, out_channels: int, *, expansion: int, kernel: int, stride: int) -> None:
        """Make the convolutions.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            expansion: the channels of the middle over those of the input; 1: there is no first convolution.
            kernel: side of the depthwise kernel.
            stride: that of the depthwise convolution.

        """
        super().__init__()
        middle = expansion * in_channels
        self.expand = FoldedConv2d(in_channels, middle, 1) if expansion > 1 else None
        self.depthwise = FoldedConv2d(middle, middle, kernel, stride, groups=middle)
        self.project = FoldedConv2d(middle, out_channels, 1)
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        middle = x if self.expand is None else _relu6(self.expand(x))
        out = self.project(_relu6(self.depthwise(middle)))
        return out + x if self.has_shortcut else out


class EfficientNetLite(nn.Module):
    """An EfficientNet-Lite backbone: maps at 1/4, 1/8, 1/16 and 1/32 of the image."""

    checkpoint_format: ClassVar[CheckpointFormat] = CheckpointFormat(
        namings=(Naming("efficientnet-lite", _recognises, partial(renamed, rules=_PUBLISHED)),),
        class_heads=(),
        unused=re.compile(r"_(conv_head|bn1|fc)\..*"),  # the classifier
    )

    def __init__(
        self,
        *,
        stem: int,
        channels: Sequence[int],
        depths: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        expansions: Sequence[int],
    ) -> None:
        """Make the stem and the stages; each sequence has one number a stage.

        Args:
            stem: channels of the first convolution, whose stride is 2.
            channels: output channels.
            depths: blocks.
            kernels: sides of the depthwise kernels.
            strides: of a stage's first block; the others have 1.
            expansions: the channels inside a block over those of its input.

        """
        super().__init__()
        self.stem = FoldedConv2d(3, stem, 3, stride=2)
        blocks: list[InvertedResidual] = []
        ends: dict[int, tuple[int, int]] = {}  # by the reduction: the last block that has it, and its channels
        before, reduction = stem, 2
        for width, depth, kernel, stride, expansion in zip(channels, depths, kernels, strides, expansions, strict=True):
            reduction *= stride
            for index in range(depth):
                first = stride if index == 0 else 1
                blocks.append(InvertedResidual(before, width, expansion=expansion, kernel=kernel, stride=first))
                before = width
            ends[reduction] = len(blocks) - 1, width
        self.blocks = nn.ModuleList(blocks)
        given = [ends[at] for at in (4, 8, 16, 32)]
        self.ends = {block for block, _ in given}
        self.out_channels = tuple(width for _, width in given)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Maps from fine to coarse, of an image normalised by ImageNet's mean, whose sides are multiples of 32."""
        x = _relu6(self.stem(_renormalised(image)))
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.ends:
                maps.append(x)
        return maps


def _renormalised(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """An image normalised as Mask2Former does it, as this network takes it."""
    scale = constant(tuple(std / SPAN for std in PIXEL_STD), image.device, image.dtype)
    offset = constant(tuple((mean - MIDDLE) / SPAN for mean in PIXEL_MEAN), image.device, image.dtype)
    return image * scale[:, None, None] + offset[:, None, None]


def _relu6(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    return F.hardtanh(x, 0.0, 6.0, inplace=True)
