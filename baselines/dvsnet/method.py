"""DVSNet as a video method: region by region, warp or segment."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.cnn.layers import resize
from baselines.dvsnet.decision import DecisionNetwork
from baselines.dvsnet.deeplab import DilatedDeepLab
from baselines.dvsnet.flow import ScaledFlow
from baselines.dvsnet.regions import RegionPrediction, Regions
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, only_ours
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.layers import map_size
from mpvss.presets import SMALL
from mpvss.stages import stage
from mpvss.video import as_float, check_same_size, frame_size
from mpvss.warp import warp

PIXEL_MEAN = (122.67891434, 116.66876762, 104.00698793)
OVERLAP, SMALL_OVERLAP = 64, 16
REGIONS = 4
THRESHOLD = 90.0
"""The agreement, in %, below which a region is segmented."""
CLASS_HEAD = ClassHead(re.compile(r"\b(classify\.2|scale)\."))
"""The layers with a row for each class: scores, and scales of warped scores."""


@dataclass(frozen=True)
class KeyRegions:
    """Each region as it was when it was last segmented: halved, and its class scores at 1/16."""

    halves: Float[Tensor, "4 3 hh hw"]
    scores: Float[Tensor, "4 k h16 w16"]
    regions: Regions


class DVSNet(nn.Module):
    """Each region's key scores are warped, unless the decision network expects too little of that.

    A region that it expects less of than `threshold`, in %, is segmented and is its own key from then on. So the
    method has no use for the caller's key frames. A threshold of 0 warps all and one over 100 segments all.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = only_ours(
        "DVSNet", ClassHead(re.compile(r"\b(classify\.2|scale)\."))
    )
    key_frames: ClassVar[bool] = False
    pixel_mean: Tensor

    def __init__(
        self,
        *,
        segmentor: DilatedDeepLab,
        flow: ScaledFlow,
        decision: DecisionNetwork,
        num_classes: int,
        threshold: float = THRESHOLD,
        overlap: int = OVERLAP,
    ) -> None:
        super().__init__()
        check_num_classes(num_classes)
        if threshold < 0:
            raise UserError(f"threshold is {threshold}; it is a percentage, 0 or more")
        if overlap < 0:
            raise UserError(f"overlap is {overlap} pixels; it must be 0 or more")
        self.segmentor = segmentor
        self.flow = flow
        self.decision = decision
        self.num_classes = num_classes
        self.threshold = threshold
        self.overlap = overlap
        self.sent: int | None = None
        """How many regions are segmented whatever the decision network says, for counts; None: as it says."""
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[RegionPrediction, KeyRegions]:
        """Segment every region of a clip's first frame."""
        regions = Regions(frame_size(frame), self.overlap)
        cut = as_float(regions.cut(frame))
        scores = self.segmented(cut)
        return RegionPrediction(tuple(scores), regions), KeyRegions(halved(cut), scores, regions)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyRegions) -> tuple[RegionPrediction, KeyRegions]:
        """Warp the regions that are expected to come out right, and segment the others."""
        check_same_size(frame, state.regions.size)
        cut = as_float(state.regions.cut(frame))
        halves = halved(cut)
        found = self.flow(torch.cat((halves, state.halves), dim=1))
        renewed = self._to_segment(self.decision(found.features))
        kept = [index for index in range(len(cut)) if index not in renewed]
        coarse: dict[int, Tensor] = {}
        if kept:
            coarse |= zip(kept, warped(state.scores[kept], found.flow[kept], found.scale[kept]), strict=True)
        if renewed:
            scores, key_halves = state.scores.clone(), state.halves.clone()
            scores[renewed], key_halves[renewed] = self.segmented(cut[renewed]), halves[renewed]
            state = KeyRegions(key_halves, scores, state.regions)
            coarse |= {index: scores[index] for index in renewed}
        return RegionPrediction(tuple(coarse[index] for index in range(len(cut))), state.regions), state

    def with_least_work(self) -> DVSNet:
        """The same method, but that every region of a later frame is warped."""
        return self._sending(0)

    def with_most_work(self) -> DVSNet:
        """The same method, but that every region of a later frame is segmented."""
        return self._sending(REGIONS)

    def _sending(self, sent: int) -> DVSNet:
        method = copy.copy(self)
        method.sent = sent
        return method

    def _to_segment(self, expected: Float[Tensor, " n"]) -> list[int]:
        """The regions of which less agreement is expected than the threshold."""
        if self.sent is not None:
            return list(range(self.sent))
        return [index for index, percent in enumerate(expected.tolist()) if percent < self.threshold]

    def segmented(self, regions: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n k h16 w16"]:
        """Class scores of regions, RGB of 0..255."""
        return self.segmentor((regions - self.pixel_mean).flip(1))


@stage("motion encoder")
def halved(regions: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 hh hw"]:
    """Regions as the flow network takes them: BGR, 0..1, at half their size, rounded up."""
    height, width = map_size(regions)
    return resize(regions.flip(1) / 255, (-(-height // 2), -(-width // 2)))


@stage("warp")
def warped(
    scores: Float[Tensor, "n k h16 w16"], flow: Float[Tensor, "n 2 h8 w8"], scale: Float[Tensor, "n k h8 w8"]
) -> Float[Tensor, "n k h8 w8"]:
    """Key scores brought to the flow's grid, warped, and scaled."""
    return warp(resize(scores, map_size(flow)), flow) * scale


def build_dvsnet(
    num_classes: int, *, depth: int = 101, threshold: float = THRESHOLD, overlap: int | None = None, small: bool = False
) -> DVSNet:
    """DVSNet on ResNet-50 or -101, randomly initialised.

    The `small` one has an eighth of the width, the small family's FlowNetS, and dilations and an `overlap` for frames
    of a fifth of the published size.
    """
    if small:
        segmentor = DilatedDeepLab(num_classes, depth=depth, width=8, shrink=4)
        flow = ScaledFlow(num_classes, SMALL.motion_widths, SMALL.flownet_widths)
        decision = DecisionNetwork(SMALL.motion_widths[-1], channels=12, widths=(128, 128, 10))
    else:
        segmentor, flow, decision = DilatedDeepLab(num_classes, depth=depth), ScaledFlow(num_classes), DecisionNetwork()
    return DVSNet(
        segmentor=segmentor,
        flow=flow,
        decision=decision,
        num_classes=num_classes,
        threshold=threshold,
        overlap=(SMALL_OVERLAP if small else OVERLAP) if overlap is None else overlap,
    )
