"""Accel as first published: features propagated from frame to frame, corrected by a branch on every frame."""

from __future__ import annotations

import re
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.original.deeplab import FEATURES, DeepLab, as_prediction, build_deeplab
from baselines.original.dff import Propagated, segment_key_frame
from baselines.original.flow import StrideSixteenFlow
from baselines.original.preactivation import DEPTHS, PreactivationResNet
from baselines.original.sizes import PUBLISHED, SMALL
from baselines.original.warp import zero_padded_warp
from baselines.scores import ScorePrediction
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, only_ours
from mpvss.errors import UserError
from mpvss.stages import stage
from mpvss.video import check_same_size

KNOWN_DEPTHS = (*DEPTHS, 50, 101)


class OriginalAccel(nn.Module):
    """Key frames: the reference branch. Others: its features warped from the frame before, and the update branch.

    With an `update` branch of its own, the class scores of both branches are fused by a 1x1 convolution. Without
    (Accel-101), the reference branch's backbone runs on every frame, and the features are fused. Scores are fused
    before they are upsampled, which gives the same, but for the rows the transposed convolutions fade.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = only_ours("Accel", ClassHead(re.compile(r"\bfuse\.")))

    def __init__(self, *, segmentor: DeepLab, flow: StrideSixteenFlow, update: DeepLab | None = None) -> None:
        super().__init__()
        if update is not None and update.num_classes != segmentor.num_classes:
            raise UserError(
                f"Accel's branches must share their classes; the reference branch has {segmentor.num_classes} "
                f"and the update branch {update.num_classes}"
            )
        self.segmentor = segmentor
        self.flow = flow
        self.update = update
        self.num_classes = segmentor.num_classes
        channels = segmentor.channels if update is None else self.num_classes
        self.fuse = nn.Conv2d(2 * channels, channels, 1)
        _start_as_second(self.fuse)

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, Propagated]:
        """The reference branch on a key frame."""
        return segment_key_frame(self.segmentor, frame)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: Propagated) -> tuple[ScorePrediction, Propagated]:
        """Warp the features of the frame before to `frame`, and correct the result; what is warped stays as it is."""
        check_same_size(frame, state.size)
        centred = self.segmentor.centre(frame)
        warped = zero_padded_warp(state.features, self.flow(centred, state.centred))
        return as_prediction(self.corrected(centred, warped), state.size), Propagated(centred, warped, state.size)

    def corrected(
        self, centred: Float[Tensor, "n 3 ph pw"], warped: Float[Tensor, "n c h16 w16"]
    ) -> Float[Tensor, "n k h16 w16"]:
        """Class scores of centred frames, from the features that were warped to them and the update branch."""
        if self.update is None:
            return self.segmentor.classify(self._fused(warped, self.segmentor.features(centred)))
        update = self.update.classify(self.update.features(centred))
        return self._fused(self.segmentor.classify(warped), update)

    @stage("decode head")
    def _fused(self, reference: Tensor, update: Tensor) -> Tensor:
        return self.fuse(torch.cat((reference, update), dim=1))


def build_original_accel(num_classes: int, depth: int, *, small: bool = False) -> OriginalAccel:
    """Accel-18, -34, -50 or -101, on DeepLab of ResNet-101, randomly initialised.

    The `small` one is on ResNet-50, of the small family's width.
    """
    if depth not in KNOWN_DEPTHS:
        raise UserError(f"there is no Accel-{depth}; known are {', '.join(map(str, KNOWN_DEPTHS))}")
    size = SMALL if small else PUBLISHED
    reference = 50 if small else 101
    return OriginalAccel(
        segmentor=build_deeplab(reference, num_classes, width=size.width),
        flow=size.flow(),
        update=None if depth == reference else build_branch(depth, num_classes, width=size.width),
    )


def build_branch(depth: int, num_classes: int, *, width: int = 64) -> DeepLab:
    """A network that can be a branch of Accel, on ResNet-18, -34, -50 or -101, randomly initialised."""
    if depth in DEPTHS:
        return DeepLab(PreactivationResNet(depth, width=width), num_classes, channels=FEATURES * width)
    return build_deeplab(depth, num_classes, width=width)


def _start_as_second(fuse: nn.Conv2d) -> None:
    """Have a fusion start as the second of its two inputs, the update branch."""
    identity = torch.eye(fuse.out_channels, device=fuse.weight.device)
    with torch.no_grad():
        fuse.weight.copy_(torch.cat((torch.zeros_like(identity), identity), dim=1)[..., None, None])
    assert fuse.bias is not None
    nn.init.zeros_(fuse.bias)
