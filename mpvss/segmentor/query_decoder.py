"""Mask2Former's transformer decoder: queries read the maps under their own masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mpvss.layers import (
    MLP,
    CrossAttentionBlock,
    FeedForwardBlock,
    SelfAttentionBlock,
    map_size,
    sine_position,
    to_tokens,
)
from mpvss.segmentor.pixel_decoder import PixelFeatures
from mpvss.segmentor.resnet import convolve
from mpvss.stages import stage


@dataclass(frozen=True)
class Segments:
    """The queries, classes and masks after one decoder layer."""

    queries: Float[Tensor, "b q d"]
    """The queries after the decoder norm."""
    class_logits: Float[Tensor, "b q k"]
    """A logit for each class, then one for "no object"."""
    mask_logits: Float[Tensor, "b q h w"]
    """Mask logits at 1/4 of the padded frame."""


class DecoderLayer(nn.Module):
    """Masked cross-attention, self-attention, feed-forward net."""

    def __init__(self, dim: int, *, heads: int, hidden: int) -> None:
        """Make the layer.

        Args:
            dim: channels of the queries.
            heads: attention heads, a divisor of `dim`.
            hidden: channels inside the feed-forward net.

        """
        super().__init__()
        self.cross_attention = CrossAttentionBlock(dim, heads)
        self.self_attention = SelfAttentionBlock(dim, heads)
        self.ffn = FeedForwardBlock(dim, hidden)

    def forward(
        self,
        queries: Float[Tensor, "b q d"],
        keys: Float[Tensor, "b n d"],
        values: Float[Tensor, "b n d"],
        allowed: Bool[Tensor, "b q n"],
        position: Float[Tensor, "q d"],
    ) -> Float[Tensor, "b q d"]:
        queries = self.cross_attention(queries, keys, values, allowed, position)
        return self.ffn(self.self_attention(queries, position))


class QueryDecoder(nn.Module):
    """`layers` decoder layers over the three maps in turn, coarsest first."""

    def __init__(
        self, *, num_classes: int, dim: int, mask_dim: int, queries: int, layers: int, heads: int, hidden: int
    ) -> None:
        """Make the layers.

        Args:
            num_classes: classes besides "no object".
            dim: channels of queries and of the refined maps.
            mask_dim: channels of mask embeddings, the pixel decoder's.
            queries: how many queries there are.
            layers: decoder layers; the three maps serve them in turn.
            heads: attention heads, a divisor of `dim`.
            hidden: channels inside the feed-forward nets.

        """
        super().__init__()
        self.query_feat = nn.Embedding(queries, dim)
        self.query_embed = nn.Embedding(queries, dim)
        self.level_embed = nn.Embedding(3, dim)
        self.layers = nn.ModuleList(DecoderLayer(dim, heads=heads, hidden=hidden) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(dim)
        self.class_embed = nn.Linear(dim, num_classes + 1)
        self.mask_embed = MLP((dim, dim, dim, mask_dim))
        for name, parameter in self.layers.named_parameters():
            if parameter.ndim > 1 and "attention" not in name:
                nn.init.xavier_uniform_(parameter)

    @stage("query decoder")
    def forward(self, features: PixelFeatures, mask_features: nn.Conv2d) -> Segments:
        """The last layer's segments; no more of the other layers' masks is computed than attention needs.

        Both the resizing of a map and the projection onto mask embeddings are linear, so the masks at an attention
        level come from the map resized to that level, and `mask_features` is applied to the embeddings.
        """
        small = [
            F.interpolate(features.fine, map_size(x), mode="bilinear", align_corners=False) for x in features.levels
        ]

        def allowed_at(level: int, queries: Tensor) -> Tensor:
            return self._mask_logits(self.decoder_norm(queries), small[level], mask_features).flatten(2) >= 0

        queries = self._decode(features, allowed_at)
        return self._segments(queries, features.fine, mask_features)

    @stage("query decoder")
    def every_layer(self, features: PixelFeatures, mask_features: nn.Conv2d) -> list[Segments]:
        """The segments before the first layer and after each, all at full size: the published graph."""
        per_pixel = convolve(mask_features, features.fine)
        outputs: list[Segments] = []

        def predict(queries: Tensor) -> Segments:
            normed = self.decoder_norm(queries)
            masks = torch.einsum("bqc,bchw->bqhw", self.mask_embed(normed), per_pixel)
            outputs.append(Segments(normed, self.class_embed(normed), masks))
            return outputs[-1]

        def allowed_at(level: int, queries: Tensor) -> Tensor:
            size = map_size(features.levels[level])
            masks = F.interpolate(predict(queries).mask_logits, size, mode="bilinear", align_corners=False)
            return masks.detach().flatten(2).sigmoid() >= 0.5

        predict(self._decode(features, allowed_at))
        return outputs

    def _decode(self, features: PixelFeatures, allowed_at: Callable[[int, Tensor], Tensor]) -> Float[Tensor, "b q d"]:
        values, keys = [], []
        for level, x in enumerate(features.levels):
            values.append(to_tokens(x) + self.level_embed.weight[level])
            keys.append(values[-1] + sine_position(map_size(x), x.shape[1], x).flatten(1).T)
        queries = self.query_feat.weight.expand(values[0].shape[0], -1, -1)
        for index, layer in enumerate(self.layers):
            level = index % len(values)
            allowed = allowed_at(level, queries)
            # A query whose mask is empty at this level reads everything.
            allowed = allowed | ~allowed.any(-1, keepdim=True)
            queries = layer(queries, keys[level], values[level], allowed, self.query_embed.weight)
        return queries

    def _segments(self, queries: Tensor, fine: Tensor, mask_features: nn.Conv2d) -> Segments:
        normed = self.decoder_norm(queries)
        return Segments(normed, self.class_embed(normed), self._mask_logits(normed, fine, mask_features))

    def _mask_logits(self, normed: Tensor, feature_map: Tensor, mask_features: nn.Conv2d) -> Tensor:
        """Mask logits on `feature_map`, which `mask_features` has not been applied to."""
        embedding = self.mask_embed(normed)
        assert mask_features.bias is not None
        weight, offset = mask_features.weight.flatten(1), embedding @ mask_features.bias[:, None]
        logits = torch.baddbmm(offset, embedding @ weight, feature_map.flatten(2))
        return logits.unflatten(2, map_size(feature_map))
