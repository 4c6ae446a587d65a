"""SAM 2 and EdgeTAM as propagation: a segmentor's segments on key frames, followed by a memory of the video."""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn

from baselines.copy_prediction import KeptPrediction
from baselines.library.load import load_network, read_config
from baselines.library.preparation import Preparation, normalise
from baselines.library.processor import preparation, read_video_processor
from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.errors import UserError
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.stages import stage
from mpvss.video import check_same_size

ABSENT = -2048.0
"""The score of a class that the key frame does not have: below that of a segment that is out of sight, -1024."""
NETWORKS = {"sam2_video": "Sam2VideoModel", "edgetam_video": "EdgeTamVideoModel"}
"""Kinds of network that follow masks through a video, and their classes in the library."""

SESSIONS = {"sam2_video": "Sam2VideoInferenceSession", "edgetam_video": "EdgeTamVideoInferenceSession"}
"""The classes of their memories, which lie beside them."""


@dataclass(frozen=True)
class Followed:
    """What is known of a video since its key frame."""

    memory: Any
    """The library's inference session: what the network keeps of each segment. It is copied, never changed."""
    classes: tuple[int, ...]
    """The class of each segment."""
    size: tuple[int, int]
    """Height and width of the frames."""
    index: int
    """The last frame's distance from the key frame."""


class Tracker(nn.Module):
    """A network of the library that follows masks through a video, one object a mask."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, model: Any, *, preparation: Preparation) -> None:
        """Wrap a network.

        Args:
            model: the library's `Sam2VideoModel` or `EdgeTamVideoModel`.
            preparation: the steps from a frame to its input.

        """
        super().__init__()
        self.model = model
        self.preparation = preparation
        self.register_buffer("pixel_mean", torch.tensor(preparation.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(preparation.std).view(3, 1, 1), persistent=False)

    @stage("mask tracking")
    def start(self, frame: Shaped[Tensor, "3 h w"], labels: UInt8[Tensor, "h w"]) -> Followed:
        """Put the segments of a key frame into a new memory, one for each class that `labels` has."""
        size = (labels.shape[0], labels.shape[1])
        session = self._new_session(size)
        classes = tuple(labels.unique().tolist())
        for name in classes:
            session.add_mask_inputs(session.obj_id_to_idx(name), 0, self._prompt(labels == name))
        session.obj_with_new_inputs = list(classes)
        self.model(inference_session=session, frame=self._pixels(frame), frame_idx=0)
        return Followed(session, classes, size, 0)

    @stage("mask tracking")
    def follow(
        self, frame: Shaped[Tensor, "3 h w"], state: Followed
    ) -> tuple[Float[Tensor, "objects gh gw"], Followed]:
        """Each segment's mask logits on the next frame."""
        index = state.index + 1
        session = self._copied(state.memory, index)
        outputs = self.model(inference_session=session, frame=self._pixels(frame), frame_idx=index)
        return outputs.pred_masks[:, 0], replace(state, memory=session, index=index)

    def _pixels(self, frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 3 ph pw"]:
        return normalise(self.preparation.resized(frame)[None], self.preparation, self.pixel_mean, self.pixel_std)

    def _prompt(self, mask: Shaped[Tensor, "h w"]) -> Float[Tensor, "1 1 s s"]:
        """A mask at the size of the network's input, as the library's processor resizes it."""
        side = self.model.config.image_size
        whole = mask[None, None].to(torch.float32)
        resized = F.interpolate(whole, (side, side), mode="bilinear", align_corners=False, antialias=True)
        return (resized >= 0.5).to(torch.float32)

    def _new_session(self, size: tuple[int, int]) -> Any:
        kind = SESSIONS[self.model.config.model_type]
        device = self.pixel_mean.device
        return getattr(importlib.import_module(type(self.model).__module__), kind)(
            video_height=size[0],
            video_width=size[1],
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=self.pixel_mean.dtype,
        )

    def _copied(self, session: Any, index: int) -> Any:
        """A session that may be changed, with what frame `index` can refer to."""
        config = self.model.config
        reach = max(config.num_maskmem, config.max_object_pointers_in_encoder)
        new = copy.copy(session)
        new.processed_frames = {}
        new.cache = type(session.cache)(session.inference_device, session.inference_state_device)
        new.frames_tracked_per_obj = {key: {} for key in session.frames_tracked_per_obj}
        new.obj_with_new_inputs = []
        new.output_dict_per_obj = {
            key: {
                "cond_frame_outputs": dict(kept["cond_frame_outputs"]),
                "non_cond_frame_outputs": {
                    frame: out for frame, out in kept["non_cond_frame_outputs"].items() if frame >= index - reach
                },
            }
            for key, kept in session.output_dict_per_obj.items()
        }
        return new


class MemoryVideo(nn.Module):
    """A segmentor on key frames, whose segments a tracker follows over non-key frames.

    Each class that a key frame's label map has is one object, so all things of a class move together. A class that
    comes into sight between key frames is not found. A pixel gets the class of the highest mask logit.
    """

    def __init__(self, *, segmentor: Mask2Former | ScoreSegmentor, tracker: Tracker) -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            tracker: follows their segments.

        """
        super().__init__()
        self.segmentor = segmentor
        self.tracker = tracker
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[KeptPrediction, Followed]:
        """The segmentor on a key frame."""
        prediction = KeptPrediction(self.segmentor.predict(frame))
        return prediction, self.tracker.start(frame, prediction.labels())

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: Followed) -> tuple[ScorePrediction, Followed]:
        """Follow the segments to the next frame."""
        check_same_size(frame, state.size)
        masks, state = self.tracker.follow(frame, state)
        coarse = masks.new_full((self.num_classes, *masks.shape[1:]), ABSENT)
        coarse[list(state.classes)] = masks
        return ScorePrediction(coarse, state.size), state


def load_tracker(name: str) -> Tracker:
    """The SAM 2 or EdgeTAM in a folder, or of a name that the library knows.

    Raises:
        UserError: there is none, or not all of it.
    """
    config = read_config(name)
    if config.model_type not in NETWORKS:
        known = " and ".join(NETWORKS)
        raise UserError(f"{name} is a network of kind {config.model_type!r}; the method sam2-video runs {known}")
    import transformers

    settings = read_video_processor(name, config.image_size)
    model = load_network(getattr(transformers, NETWORKS[config.model_type]), name)
    return Tracker(model, preparation=preparation(settings)).eval()
