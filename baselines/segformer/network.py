"""SegFormer: MiT and its linear decoder."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.scores import ScorePrediction
from baselines.segformer.head import AllMLPHead
from baselines.segformer.mit import MixTransformer
from baselines.segformer.names import SEGFORMER
from mpvss.checkpoints.formats import CheckpointFormat
from mpvss.labels import check_num_classes
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD, pad_to_multiple
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import as_float, check_frame, frame_size


class SegFormer(nn.Module):
    """A segmentor of one image, of any size whose sides have 29 pixels or more; frames are not resized.

    `padding`: frames are zero-padded at the bottom and right, after normalisation, to multiples of this. SegFormer
    itself needs none.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = SEGFORMER
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        backbone: MixTransformer,
        head: AllMLPHead,
        padding: int = 1,
        shared: SharedResults | None = None,
    ) -> None:
        """Join two built networks.

        Args:
            backbone: gives four maps of a normalised frame.
            head: gives class scores from the maps.
            padding: what the sides of frames are padded to multiples of, in pixels.
            shared: what keeps predictions for the methods that hold this network; None: nothing does.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        self.shared = shared
        self.backbone = backbone
        self.head = head
        self.padding = padding
        self.num_classes = head.classify.out_channels
        check_num_classes(self.num_classes)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD).view(3, 1, 1), persistent=False)

    @stage("backbone")
    def features(self, frame: Shaped[Tensor, "*b 3 h w"]) -> list[Tensor]:
        """The backbone's maps of an RGB frame, 0..255, or of a batch of them; fine to coarse, with a batch axis."""
        frames = frame if frame.ndim == 4 else frame[None]
        check_frame(frames[0])
        normed = (as_float(frames) - self.pixel_mean) / self.pixel_std
        return self.backbone(pad_to_multiple(normed, self.padding))

    def forward(self, frame: Shaped[Tensor, "*b 3 h w"]) -> Float[Tensor, "n c sh sw"]:
        """Class scores at 1/4 of a frame, 0..255, or of a batch of them."""
        return self.head.scores(self.head.fused(self.features(frame)))

    @shareable
    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        return self.prediction(self(frame)[0], frame_size(frame))

    def prediction(self, scores: Float[Tensor, "c sh sw"], size: tuple[int, int]) -> ScorePrediction:
        """The prediction that scores at 1/4 make for a frame of `size` (height, width)."""
        height, width = (side + -side % self.padding for side in size)
        return ScorePrediction(scores, size, (height, width) if (height, width) != size else None)
