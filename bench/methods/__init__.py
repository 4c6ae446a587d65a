"""Every method by name: built, with its weights."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpvss.presets import Execution
    from mpvss.video import VideoSegmenter


def build(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    key_backbone: str | None = None,
    execution: Execution = "lean",
    weights: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> VideoSegmenter:
    """A method in evaluation mode, on the CPU.

    >>> import torch
    >>> model = build("mpvss", backbone="micro", num_classes=19)
    >>> key_frame, frame = torch.randint(0, 256, (2, 3, 96, 160), dtype=torch.uint8)
    >>> with torch.inference_mode():
    ...     prediction, state = model.segment(key_frame)
    ...     prediction, state = model.propagate(frame, state)
    >>> tuple(prediction.labels().shape)
    (96, 160)

    Args:
        method: a name of `bench.methods.names.known_methods()`.
        backbone: one of `bench.methods.names.BACKBONES` or `IMAGE_NETWORKS`, or `hf:` and the folder or name of a
            model of the `transformers` library; for a video method of another publication, one of those that
            `VIDEO_METHODS` names. For Accel, that of the branch that runs on every frame.
        num_classes: 1 to 255.
        key_backbone: for Accel alone, the backbone of the branch for key frames; by default `backbone`, and for Accel
            as first published r101, which is all it has.
        execution: `lean`, or `paper` for the published graph.
        weights: a checkpoint; None: random weights, or those that a network of others brings.
        seed: what random weights follow from.

    Raises:
        UserError: an unknown method or backbone, or a checkpoint that does not fit.

    """
    from bench.methods.registry import build_method  # here, so that names can be read without torch

    return build_method(
        method,
        backbone=backbone,
        num_classes=num_classes,
        key_backbone=key_backbone,
        execution=execution,
        weights=weights,
        seed=seed,
    ).segmenter
