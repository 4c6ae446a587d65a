"""An image network: a backbone, a decode head and, for training, an auxiliary head."""

from __future__ import annotations

import re
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.cnn.fcn import FCNHead
from baselines.cnn.layers import Head
from baselines.cnn.ocr import OCRDecoder
from baselines.cnn.resnet import ResNet
from baselines.scores import ScorePrediction
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead
from mpvss.labels import check_num_classes
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import as_float, check_frame, frame_size

IMAGE_NETWORK = CheckpointFormat(
    namings=(),
    class_heads=(ClassHead(re.compile(r"\bconv_seg\.")),),
    unused=re.compile(r".*\.num_batches_tracked"),
)
"""Checkpoints of image networks: the segmentation library's names are ours."""


class ImageNetwork(nn.Module):
    """A segmentor of one image, a `ScoreSegmentor`. Frames are normalised, and neither resized nor padded."""

    checkpoint_format: ClassVar[CheckpointFormat] = IMAGE_NETWORK
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        backbone: ResNet,
        decode_head: Head | OCRDecoder,
        auxiliary_head: FCNHead | None = None,
        shared: SharedResults | None = None,
    ) -> None:
        """Join built networks.

        Args:
            backbone: gives four maps of a normalised frame.
            decode_head: gives class scores from the maps.
            auxiliary_head: gives the scores that training also supervises; None: there are none.
            shared: what keeps predictions for the methods that hold this network; None: nothing does.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        self.shared = shared
        self.backbone = backbone
        self.decode_head = decode_head
        self.auxiliary_head = auxiliary_head
        self.num_classes = decode_head.num_classes
        check_num_classes(self.num_classes)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD).view(3, 1, 1), persistent=False)

    def normalise(self, frame: Shaped[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 3 h w"]:
        """RGB frames, 0..255, as the backbone takes them."""
        return (as_float(frame) - self.pixel_mean) / self.pixel_std

    @stage("backbone")
    def features(self, frame: Shaped[Tensor, "*b 3 h w"]) -> list[Tensor]:
        """The backbone's maps of an RGB frame, 0..255, or of a batch of them; with a batch axis."""
        frames = frame if frame.ndim == 4 else frame[None]
        check_frame(frames[0])
        return self.backbone(self.normalise(frames))

    @stage("decode head")
    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k _ _"]:
        """Class scores from the backbone's maps, at the head's own size."""
        return self.decode_head(maps)

    @shareable
    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        return ScorePrediction(self.decode(self.features(frame))[0], frame_size(frame))

    def every_head(self, frames: Shaped[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b k _ _"], Tensor | None]:
        """Class scores of RGB frames, 0..255, and those of the coarse (OCRNet) or auxiliary head, to train on."""
        maps = self.features(frames)
        if isinstance(self.decode_head, OCRDecoder):
            return self.decode_head.with_coarse(maps)
        return self.decode_head(maps), None if self.auxiliary_head is None else self.auxiliary_head(maps)
