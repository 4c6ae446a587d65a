"""OCRNet's heads: object-contextual representations (Yuan et al., ECCV 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.fcn import FCNHead
from baselines.cnn.layers import ConvNormReLU, Head


class ObjectAttention(nn.Module):
    """Attention from every pixel to the class contexts, joined with the pixel itself."""

    def __init__(self, channels: int, key_channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.query_project = _two_convs(channels, key_channels, bias)
        self.key_project = _two_convs(channels, key_channels, bias)
        self.value_project = ConvNormReLU(channels, key_channels, bias=bias)
        self.out_project = ConvNormReLU(key_channels, channels, bias=bias)
        self.bottleneck = ConvNormReLU(2 * channels, channels, bias=bias)

    def forward(self, pixels: Float[Tensor, "b c h w"], contexts: Float[Tensor, "b c k 1"]) -> Float[Tensor, "b c h w"]:
        query = self.query_project(pixels)
        key, value = self.key_project(contexts).flatten(2), self.value_project(contexts).flatten(2)
        shares = (query.flatten(2).transpose(1, 2) @ key * key.shape[1] ** -0.5).softmax(-1)  # (b, pixels, k)
        attended = (shares @ value.transpose(1, 2)).transpose(1, 2).unflatten(2, pixels.shape[2:])
        return self.bottleneck(torch.cat((self.out_project(attended), pixels), dim=1))


class OCRHead(Head):
    """Pixels of the last map, gathered to one context a class and attended to from each pixel."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        key_channels: int,
        num_classes: int,
        *,
        bias: bool = False,
        dropout: float = 0.1,
    ) -> None:
        """`bias` is whether convolutions before norms have one."""
        super().__init__(channels, num_classes, dropout=dropout)
        self.bottleneck = ConvNormReLU(in_channels, channels, 3, bias=bias)
        self.object_context_block = ObjectAttention(channels, key_channels, bias=bias)


class OCRDecoder(nn.ModuleList):
    """The coarse head on the map before the last, and the `OCRHead` on the last, whose regions it finds."""

    def __init__(self, coarse: FCNHead, head: OCRHead) -> None:
        super().__init__([coarse, head])
        self.num_classes = head.num_classes

    @property
    def coarse(self) -> FCNHead:
        """The head whose scores are the soft regions."""
        head = self[0]
        assert isinstance(head, FCNHead)
        return head

    @property
    def head(self) -> OCRHead:
        """The head of the result."""
        head = self[1]
        assert isinstance(head, OCRHead)
        return head

    def describe(
        self, maps: Sequence[Tensor]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c k 1"], Float[Tensor, "b k h w"]]:
        """Pixel features, a context for each class, and the coarse head's class scores, at the last map's size."""
        coarse = self.coarse(maps)
        pixels = self.head.bottleneck(maps[-1])
        return pixels, gather(pixels, coarse), coarse

    def attend(self, pixels: Float[Tensor, "b c h w"], contexts: Float[Tensor, "b c k 1"]) -> Float[Tensor, "b c h w"]:
        """The object-contextual representation of each pixel."""
        return self.head.object_context_block(pixels, contexts)

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "b k h w"]:
        """Class scores at the last map's size."""
        return self.with_coarse(maps)[0]

    def with_coarse(self, maps: Sequence[Tensor]) -> tuple[Float[Tensor, "b k h w"], Float[Tensor, "b k h w"]]:
        """The class scores, and the coarse head's, which are trained too."""
        pixels, contexts, coarse = self.describe(maps)
        return self.head.classify(self.attend(pixels, contexts)), coarse


def gather(pixels: Float[Tensor, "b c h w"], scores: Float[Tensor, "b k h w"]) -> Float[Tensor, "b c k 1"]:
    """A class's context: the mean of all pixels, weighted by its scores' softmax over the map."""
    regions = scores.flatten(2).softmax(-1)
    return (pixels.flatten(2) @ regions.transpose(1, 2))[..., None]


def _two_convs(in_channels: int, out_channels: int, bias: bool) -> nn.Sequential:
    return nn.Sequential(
        ConvNormReLU(in_channels, out_channels, bias=bias), ConvNormReLU(out_channels, out_channels, bias=bias)
    )
