"""Semantic segmentation models of the `transformers` library: swept per frame, and on the key frames of baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.flow_network import FlowNetwork
from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.motion.encoder import PADDING
from mpvss.propagation import warp_masks
from mpvss.sharing import SharedResults, shareable
from mpvss.stages import stage
from mpvss.video import as_float, check_same_size, frame_size
from mpvss.warp import resize_flow


class LibrarySegmentor(nn.Module):
    """A model of `AutoModelForSemanticSegmentation` on frames as they are: normed, neither resized nor padded."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        model: nn.Module,
        *,
        num_classes: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        shared: SharedResults | None = None,
    ) -> None:
        """Wrap a model of the library.

        Args:
            model: gives `logits`, (1, C, h, w), for `pixel_values`, (1, 3, H, W).
            num_classes: C, 1 to 255.
            mean: the mean of red, green and blue that frames are normed by, in values of 0..255.
            std: the same of the standard deviation.
            shared: what keeps predictions for the methods that hold this network; None: nothing does.

        Raises:
            UserError: a number of classes that label maps cannot hold.

        """
        super().__init__()
        check_num_classes(num_classes)
        self.model = model
        self.num_classes = num_classes
        self.shared = shared
        self.register_buffer("pixel_mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(std).view(3, 1, 1), persistent=False)

    @shareable
    @stage("backbone")
    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        size = frame_size(frame)
        normed = (as_float(frame) - self.pixel_mean) / self.pixel_std
        return ScorePrediction(self.model(pixel_values=normed[None]).logits[0], size)


@dataclass(frozen=True)
class KeyScores:
    """A key frame and the scores of it."""

    frame: Shaped[Tensor, "3 h w"]
    prediction: ScorePrediction


class ScoreFlow(nn.Module):
    """The optical-flow baseline over a segmentor that has no masks: the key frame's scores are warped."""

    def __init__(self, *, segmentor: ScoreSegmentor, flow: FlowNetwork) -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            flow: gives the backward flow from a frame to its key frame.

        """
        super().__init__()
        self.segmentor = segmentor
        self.flow = flow
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, KeyScores]:
        """The segmentor on a key frame."""
        prediction = self.segmentor.predict(frame)
        return prediction, KeyScores(frame, prediction)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyScores) -> tuple[ScorePrediction, KeyScores]:
        """Warp the key frame's scores to `frame`."""
        height, width = state.prediction.size
        check_same_size(frame, (height, width))
        flow = self.flow.flow(frame, state.frame)
        # The flow's grid covers the padded frame, that of the scores the frame.
        flow = resize_flow(flow, (height + -height % PADDING, width + -width % PADDING))[..., :height, :width]
        return replace(state.prediction, coarse=warp_masks(state.prediction.coarse, flow)), state


def load_library_model(name: str, shared: SharedResults | None = None) -> LibrarySegmentor:
    """The model in a folder, or of a name that the library knows, with its weights.

    Frames are normed as the image processor that is saved with it says. `shared` is as in `LibrarySegmentor`.

    Raises:
        UserError: the library is not installed; no such model; one without an image processor, or of another task.
    """
    try:
        from transformers import AutoModelForSemanticSegmentation
        from transformers.image_processing_base import ImageProcessingMixin
    except ImportError:
        raise UserError(f"{name} is a model of the transformers library; pip install 'mpvss-bench[peer]'") from None
    try:
        model = AutoModelForSemanticSegmentation.from_pretrained(name)
        processor, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{name} is no semantic segmentation model with its image processor: {reason}") from None
    mean, std = _norm(processor)
    return LibrarySegmentor(model.eval(), num_classes=model.config.num_labels, mean=mean, std=std, shared=shared)


def _norm(processor: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of RGB values 0..255, as an image processor's settings mean them."""
    unit = 1 / processor.get("rescale_factor", 1 / 255) if processor.get("do_rescale", True) else 1.0
    if not processor.get("do_normalize", True):
        return (0.0,) * 3, (unit,) * 3
    mean, std = (tuple(unit * value for value in processor[key]) for key in ("image_mean", "image_std"))
    return mean, std
