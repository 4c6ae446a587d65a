"""Methods on video networks of the `transformers` library, built from their names."""

from __future__ import annotations

from torch import nn

from baselines.library.memory_video import MemoryVideo, load_tracker
from baselines.library.videomt import VideoMT, load_videomt
from bench.methods.names import LIBRARY, MEMORY_VIDEO
from bench.methods.parts import Parts, check_classes, digest_of_weights
from mpvss.errors import UserError


def build_videomt(backbone: str, num_classes: int) -> VideoMT:
    """The VidEoMT called `backbone`; UserError where it has another number of classes."""
    model = load_videomt(backbone.removeprefix(LIBRARY))
    check_classes(backbone, model.num_classes, num_classes)
    return model


def build_memory_video(parts: Parts, backbone: str, key_backbone: str) -> MemoryVideo:
    """The tracker called `backbone`, which follows the segments of `key_backbone`.

    Raises:
        UserError: one network stands for both, or there is no such tracker.
    """
    if key_backbone == backbone:
        raise UserError(
            f"{MEMORY_VIDEO} follows the segments of another network; name it as key_backbone, or write KEY+{backbone}"
        )
    if not backbone.startswith(LIBRARY):
        raise UserError(
            f"{MEMORY_VIDEO} runs a network of the transformers library; write {LIBRARY}PATH, not {backbone!r}"
        )
    tracker = load_tracker(backbone.removeprefix(LIBRARY))
    return MemoryVideo(segmentor=parts.image_segmentor(key_backbone), tracker=tracker)


def own_weights(model: nn.Module) -> str:
    """What results state of the weights that a model of the library brings."""
    return f"the model's own (sha256 {digest_of_weights(model)[:12]})"
