"""ResNet with bottleneck blocks, the stride in the 3x3 convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]


class FrozenBatchNorm2d(nn.Module):
    """Batch norm whose statistics and affine terms are constants."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        """Start as the identity, but for `eps`.

        Args:
            channels: channels of the maps.
            eps: added to the variance.

        """
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)

    def scale_and_offset(self) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        """The norm as a factor and a summand of each channel."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return scale, self.bias - self.running_mean * scale


class NormedConv2d(nn.Conv2d):
    """A convolution without bias, followed by a norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, norm: nn.Module, stride: int = 1) -> None:
        """Make the convolution.

        Args:
            in_channels: channels of the input.
            out_channels: channels of the output.
            kernel: side of the kernel, odd; the map is padded by half of it.
            norm: applied to the output.
            stride: pixels between the places of the kernel.

        """
        super().__init__(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        self.norm = norm

    def forward(self, input: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        return self.norm(convolve(self, input))


def convolve(
    conv: nn.Conv2d, x: Float[Tensor, "b i h w"], weight: Tensor | None = None, bias: Tensor | None = None
) -> Float[Tensor, "b o oh ow"]:
    """The convolution, without its norm, of a map; with a weight and a bias in the place of its own, where given.

    In training on a CPU, a 1x1 convolution of a map whose channels are last takes the rows for images. PyTorch has a
    faster way for 16 images and more, and gives one thread that way only then.
    """
    weight = conv.weight if weight is None else weight
    bias = conv.bias if bias is None else bias
    as_rows = conv.kernel_size == (1, 1) and conv.stride == (1, 1) and torch.is_grad_enabled() and x.is_cpu
    if not (as_rows and x.is_contiguous(memory_format=torch.channels_last)):
        return F.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
    rows = x.permute(0, 2, 3, 1).flatten(0, 1)[:, None].permute(0, 3, 1, 2)
    out = F.conv2d(rows, weight, bias).permute(0, 2, 3, 1)
    return out.view(len(x), x.shape[2], x.shape[3], -1).permute(0, 3, 1, 2)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    def __init__(self, in_channels: int, width: int, out_channels: int, stride: int, norm: Norm) -> None:
        """Make the convolutions; the shortcut has one where sizes or channels change.

        Args:
            in_channels: channels of the input.
            width: channels of the 3x3 convolution.
            out_channels: channels of the output.
            stride: that of the 3x3 convolution, and of the shortcut.
            norm: makes the norm of a convolution, from its channels.

        """
        super().__init__()
        changes = in_channels != out_channels or stride != 1
        self.shortcut = NormedConv2d(in_channels, out_channels, 1, norm(out_channels), stride) if changes else None
        self.conv1 = NormedConv2d(in_channels, width, 1, norm(width))
        self.conv2 = NormedConv2d(width, width, 3, norm(width), stride)
        self.conv3 = NormedConv2d(width, out_channels, 1, norm(out_channels))

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        out = self.conv3(F.relu_(self.conv2(F.relu_(self.conv1(x)))))
        out += x if self.shortcut is None else self.shortcut(x)
        return F.relu_(out)


class ResNet(nn.Module):
    """A ResNet backbone: maps at 1/4, 1/8, 1/16 and 1/32 of the image."""

    def __init__(self, *, depths: Sequence[int], channels: Sequence[int], stem: int, norm: Norm) -> None:
        """Make the stem and the stages.

        Args:
            depths: blocks in each stage.
            channels: output channels of each stage; a block's middle has a quarter of them.
            stem: channels of the first convolution.
            norm: makes the norm of a convolution, from its channels.

        """
        super().__init__()
        self.out_channels = tuple(channels)
        self.stem = nn.ModuleDict({"conv1": NormedConv2d(3, stem, 7, norm(stem), stride=2)})
        self.stages = []
        before = stem
        for index, (depth, width) in enumerate(zip(depths, channels, strict=True)):
            stride = 1 if index == 0 else 2
            blocks = [Bottleneck(before, width // 4, width, stride, norm)]
            blocks += [Bottleneck(width, width // 4, width, 1, norm) for _ in range(depth - 1)]
            self.stages.append(f"res{index + 2}")
            self.add_module(self.stages[-1], nn.Sequential(*blocks))
            before = width

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Maps from fine to coarse, of a normalised image whose sides are multiples of 32."""
        x = F.max_pool2d(F.relu_(self.stem["conv1"](image)), 3, stride=2, padding=1)
        maps = []
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
            maps.append(x)
        return maps
