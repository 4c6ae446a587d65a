"""NetWarp (Gadde et al., ICCV 2017) on OCRNet, in the form of VSPW's authors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.cnn.layers import ConvNormReLU
from baselines.cnn.network import ImageNetwork
from baselines.cnn.ocr import OCRDecoder
from baselines.cnn.presets import Form, build_cnn
from baselines.flownets import FlowNetS
from baselines.raft import RAFT
from baselines.scores import ScorePrediction
from baselines.vspw_warp import vspw_warp
from mpvss.checkpoints.formats import CheckpointFormat, only_ours
from mpvss.errors import UserError
from mpvss.layers import map_size
from mpvss.presets import Execution
from mpvss.stages import stage
from mpvss.video import as_float, check_same_size, frame_size


class FlowCNN(nn.Module):
    """Transforms a flow, seeing both frames. Its last layer is a ReLU, so no component comes out negative."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(ConvNormReLU(11, 16, 3), ConvNormReLU(16, 32, 3), ConvNormReLU(32, 2, 3))
        self.fuse = ConvNormReLU(4, 2, 3)

    @stage("flow head")
    def forward(
        self, flow: Float[Tensor, "b 2 h w"], frame: Float[Tensor, "b 3 h w"], previous: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 2 h w"]:
        """The flow from `frame` to `previous`, RGB of 0..255, transformed."""
        x = self.convs(torch.cat((flow, frame, previous, previous - frame), dim=1))
        return self.fuse(torch.cat((flow, x), dim=1))


class WarpAndMix(nn.Module):
    """The map of a frame mixed with the warped map of the frame before, by two weights a channel, 1 and 0 at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.current = nn.Parameter(torch.ones(channels))
        self.previous = nn.Parameter(torch.zeros(channels))

    @stage("warp")
    def forward(
        self, current: Float[Tensor, "b c h w"], previous: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 _ _"]
    ) -> Float[Tensor, "b c h w"]:
        """`flow` is brought to the maps' size by its nearest values, which stay those of the frame's pixels."""
        nearest = F.interpolate(flow, map_size(current), mode="nearest")
        warped = vspw_warp(previous, nearest)
        return self.current[:, None, None] * current + self.previous[:, None, None] * warped


@dataclass(frozen=True)
class PreviousFrame:
    """The frame before, and the backbone's maps of it; none of these in the published execution."""

    frame: Shaped[Tensor, "3 h w"]
    maps: tuple[Tensor, ...] = ()


class NetWarp(nn.Module):
    """OCRNet, whose backbone's last map and representation are mixed with those of the frame before, warped by RAFT.

    A clip's first frame takes the one after it as the frame before, so a clip has two frames or more. With `paper`, the
    frame before goes through the backbone anew, as in the published graph.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = only_ours("NetWarp")
    key_frames: ClassVar[bool] = False
    lookahead: ClassVar[int] = 1

    def __init__(self, *, segmentor: ImageNetwork, flow: RAFT | FlowNetS, execution: Execution = "lean") -> None:
        """`segmentor` is an OCRNet. `flow` is not trained: RAFT, or in the small family FlowNetS."""
        super().__init__()
        if not isinstance(segmentor.decode_head, OCRDecoder):
            raise UserError(f"NetWarp stands on OCRNet; it was given a {type(segmentor.decode_head).__name__}")
        self.segmentor = segmentor
        self.flow = flow.requires_grad_(False)
        self.flow_cnn = FlowCNN()
        self.mix_maps = WarpAndMix(segmentor.backbone.out_channels[-1])
        self.mix_features = WarpAndMix(segmentor.decode_head.head.conv_seg.in_channels)
        self.execution: Execution = execution
        self.num_classes = segmentor.num_classes

    @property
    def decoder(self) -> OCRDecoder:
        """OCRNet's heads."""
        head = self.segmentor.decode_head
        assert isinstance(head, OCRDecoder)
        return head

    def train(self, mode: bool = True) -> NetWarp:
        """Training mode, but for the flow network, which is frozen."""
        super().train(mode)
        self.flow.eval()
        return self

    def segment(
        self, frame: Shaped[Tensor, "3 h w"], *, coming: Sequence[Tensor] = ()
    ) -> tuple[ScorePrediction, PreviousFrame]:
        """A clip's first frame, with the second as the frame before; UserError where there is none."""
        if not coming:
            raise UserError("NetWarp segments a clip's first frame from the frame after it, and none was given")
        return self.propagate(frame, PreviousFrame(coming[0]))

    def propagate(
        self, frame: Shaped[Tensor, "3 h w"], state: PreviousFrame, *, coming: Sequence[Tensor] = ()
    ) -> tuple[ScorePrediction, PreviousFrame]:
        """A later frame. What is coming does not matter to it."""
        size = frame_size(state.frame)
        check_same_size(frame, size)
        flow = self.transformed_flow(frame[None], state.frame[None])
        maps = self.segmentor.features(frame)
        before = list(state.maps) or self.segmentor.features(state.frame)
        scores, _ = self.decode(maps, before, flow)
        kept = () if self.execution == "paper" else tuple(maps)
        return ScorePrediction(scores[0], size), PreviousFrame(frame, kept)

    def transformed_flow(
        self, frames: Shaped[Tensor, "b 3 h w"], previous: Shaped[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 2 h w"]:
        """The flow from RGB frames, 0..255, to those before them, as `FlowCNN` transforms it."""
        with torch.no_grad():
            pairs = zip(frames, previous, strict=True)
            flow = torch.cat([self.flow.frame_flow(frame, before) for frame, before in pairs])
        return self.flow_cnn(flow, as_float(frames), as_float(previous))

    @stage("decode head")
    def decode(
        self, maps: list[Tensor], before: list[Tensor], flow: Float[Tensor, "b 2 h w"]
    ) -> tuple[Float[Tensor, "b k _ _"], Float[Tensor, "two_b k _ _"]]:
        """Class scores of frames from the maps of both; the coarse head's of these frames, then of those before.

        The frames before go through the decoder unmixed.
        """
        mixed = [*maps[:-1], self.mix_maps(maps[-1], before[-1], flow)]
        (current, coarse), (previous, coarse_before) = (self._represent(each) for each in (mixed, before))
        scores = self.decoder.head.classify(self.mix_features(current, previous, flow))
        return scores, torch.cat((coarse, coarse_before))

    def _represent(self, maps: list[Tensor]) -> tuple[Float[Tensor, "b c _ _"], Float[Tensor, "b k _ _"]]:
        pixels, contexts, coarse = self.decoder.describe(maps)
        return self.decoder.attend(pixels, contexts), coarse


def build_netwarp(
    *, num_classes: int, depth: int = 101, form: Form = "vspw", iterations: int = 20, execution: Execution = "lean"
) -> NetWarp:
    """NetWarp on an OCRNet of `depth` and `form`, randomly initialised."""
    segmentor = build_cnn("ocrnet", num_classes=num_classes, depth=depth, form=form)
    return NetWarp(segmentor=segmentor, flow=RAFT(iterations=iterations, execution=execution), execution=execution)
