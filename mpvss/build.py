"""Networks built from the numbers of `mpvss.presets`, randomly initialised."""

from __future__ import annotations

from torch import nn

from mpvss.motion.decoder import MotionDecoder
from mpvss.motion.encoder import MotionEncoder
from mpvss.motion.flow_head import QueryFlowHead
from mpvss.motion.module import MotionModule
from mpvss.motion.pixel_flow import CoarseToFineFlow
from mpvss.presets import (
    FLOW_DESIGNS,
    EfficientNetLiteNumbers,
    Execution,
    FlowDesign,
    Head,
    Numbers,
    SwinNumbers,
    backbone_row,
)
from mpvss.propagation import MPVSS
from mpvss.published import PublishedMask2Former, PublishedMPVSS
from mpvss.segmentor.efficientnet_lite import EfficientNetLite
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.pixel_decoder import PixelDecoder
from mpvss.segmentor.query_decoder import QueryDecoder
from mpvss.segmentor.resnet import FrozenBatchNorm2d, ResNet
from mpvss.segmentor.semantic import BOUNDS, WholeVolume
from mpvss.segmentor.swin import SwinTransformer
from mpvss.sharing import SharedResults

GROUPS = 8
"""Groups of the norms of the small family's backbones."""


def build_backbone(numbers: Numbers) -> ResNet | SwinTransformer | EfficientNetLite:
    """The backbone with these numbers."""
    if isinstance(numbers, EfficientNetLiteNumbers):
        return EfficientNetLite(
            stem=numbers.stem,
            channels=numbers.channels,
            depths=numbers.depths,
            kernels=numbers.kernels,
            strides=numbers.strides,
            expansions=numbers.expansions,
        )
    if isinstance(numbers, SwinNumbers):
        return SwinTransformer(
            embed_dim=numbers.embed_dim, depths=numbers.depths, heads=numbers.heads, window=numbers.window
        )
    norm = FrozenBatchNorm2d if numbers.norm == "frozen batch" else _group_norm
    return ResNet(depths=numbers.depths, channels=numbers.channels, stem=numbers.stem, norm=norm)


def build_segmentor(
    backbone: str, num_classes: int, execution: Execution = "lean", shared: SharedResults | None = None
) -> Mask2Former:
    """Mask2Former with the backbone called `backbone`; with `shared`, its results can be kept for several methods.

    Raises:
        UserError: an unknown backbone, or a number of classes that label maps cannot hold.
    """
    row = backbone_row(backbone)
    head = row.head
    published = execution == "paper"
    network = build_backbone(row.numbers)
    return (PublishedMask2Former if published else Mask2Former)(
        backbone=network,
        pixel_decoder=PixelDecoder(
            in_channels=network.out_channels,
            dim=head.dim,
            mask_dim=head.dim,
            layers=head.pixel_layers,
            heads=head.heads,
            hidden=head.pixel_hidden,
            points=head.points,
            as_grid_sample=published,
        ),
        query_decoder=QueryDecoder(
            num_classes=num_classes,
            dim=head.dim,
            mask_dim=head.dim,
            queries=head.queries,
            layers=head.query_layers,
            heads=head.heads,
            hidden=head.query_hidden,
        ),
        inference=WholeVolume() if published else BOUNDS,
        shared=shared,
    )


def build_motion(head: Head, design: FlowDesign, execution: Execution = "lean") -> MotionModule:
    """The motion module of a `design`."""
    finest, fine, *coarse = head.motion_widths[1:]
    query_head = pixel_flow = None
    if design.query_flow:
        query_head = QueryFlowHead(
            dim=head.dim, map_channels=finest, hidden=head.flow_hidden, folded=execution == "lean"
        )
    if design.pixel_flow:
        pixel_flow = CoarseToFineFlow((*[head.dim] * 3, fine, finest), head.pixel_flow_widths)
    return MotionModule(
        encoder=MotionEncoder(head.motion_widths),
        decoder=MotionDecoder(
            in_channels=coarse[::-1],
            dim=head.dim,
            queries=head.queries,
            stages=head.motion_stages,
            heads=head.heads,
            hidden=head.motion_hidden,
        ),
        query_head=query_head,
        pixel_flow=pixel_flow,
        own_queries=nn.Embedding(head.queries, head.dim) if design.own_queries else None,
    )


def build_mpvss(method: str, backbone: str, segmentor: Mask2Former) -> MPVSS:
    """MPVSS, or the ablation called `method`, over a segmentor built with `backbone`; its graph is the segmentor's."""
    published = isinstance(segmentor, PublishedMask2Former)
    head = backbone_row(backbone).head
    motion = build_motion(head, FLOW_DESIGNS[method], "paper" if published else "lean")
    return (PublishedMPVSS if published else MPVSS)(segmentor=segmentor, motion=motion)


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(GROUPS, channels)
