"""Labels of a method on the CPU and on the device, held against each other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bench.card.precision import tf32
from bench.measure.time.samples import KINDS, Kind
from bench.runs.records.card import LabelsOnDevice
from mpvss.video import LooksAhead, Prediction, VideoSegmenter

TIE = 1e-4
"""Scores of two labels are equal if they are this near, as a share of the range of all scores."""


def labels_on_device(segmenter: VideoSegmenter, frames: list[Tensor], device: torch.device) -> list[LabelsOnDevice]:
    """A key frame and the frame after it, first on the CPU, then on the device, in float32 without TF32.

    `frames` are two, (3, H, W), on the CPU. The method is a module, or one that runs where its frames are; it is on the
    device afterwards.
    """
    found: dict[Kind, tuple[Tensor, Tensor]] = {}
    with torch.inference_mode(), tf32(False):
        for kind, prediction in zip(KINDS, _predictions(segmenter, frames), strict=True):
            found[kind] = prediction.scores(), prediction.labels()
        if isinstance(segmenter, nn.Module):
            segmenter.to(device)
        there = _predictions(segmenter, [frame.to(device) for frame in frames])
        return [
            compared(kind, *found[kind], prediction.labels().cpu())
            for kind, prediction in zip(KINDS, there, strict=True)
        ]


def compared(kind: Kind, scores: Tensor, labels: Tensor, others: Tensor) -> LabelsOnDevice:
    """Two label maps (H, W) of one frame; `scores` (C, H, W) are what the first was made of."""
    unlike = labels != others
    ties, widest = 0, None
    if unlike.any():
        best, second = (scores.gather(0, x[None].long())[0][unlike] for x in (labels, others))
        low, high = scores.aminmax()
        gaps = (best - second).abs() / (high - low).clamp(min=torch.finfo(scores.dtype).tiny)
        ties, widest = int((gaps <= TIE).sum()), float(gaps.max())
    counts = labels.flatten().long().bincount()
    return LabelsOnDevice(
        frame=kind,
        pixels=labels.numel(),
        unlike=int(unlike.sum()),
        ties=ties,
        widest_gap=widest,
        classes=int((counts > 0).sum()),
        most_common_share=int(counts.max()) / labels.numel(),
    )


def _predictions(segmenter: VideoSegmenter, frames: list[Tensor]) -> tuple[Prediction, Prediction]:
    def coming(index: int) -> dict[str, Any]:
        if not isinstance(segmenter, LooksAhead):
            return {}
        return {"coming": frames[index + 1 :][: segmenter.lookahead]}

    key, state = segmenter.segment(frames[0], **coming(0))
    return key, segmenter.propagate(frames[1], state, **coming(1))[0]
