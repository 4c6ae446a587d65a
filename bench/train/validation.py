"""What is measured on held-out clips while a run trains: mIoU, or the end-point error of a flow network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from baselines.flownets import FlowNetS
from bench.data import Dataset
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import as_tensor, run_video
from bench.metrics import confusion_matrix, mean_iou
from mpvss.motion.encoder import stack_pair
from mpvss.training.distributed import share_of, sum_over_processes
from mpvss.training.loop import Row
from mpvss.training.pairs import TrainingClip
from mpvss.video import VideoSegmenter, uses_key_frames

MIOU, EPE = "miou", "epe"


def video_miou(model: VideoSegmenter, dataset: Dataset, interval: int, device: torch.device) -> dict[str, float]:
    """`miou` (0..1) over all labelled frames of a data set, key frames at every `interval`-th frame.

    A method without key frames starts anew with each clip alone. Clips are divided among the processes of the run, and
    each gets what one process would find. Empty where no pixel is labelled.
    """
    assert dataset.num_classes is not None, "training data knows its classes"
    confusion = np.zeros((dataset.num_classes, dataset.num_classes), np.int64)
    for _, clip in share_of(dataset.clips):
        schedule = FixedInterval(interval if uses_key_frames(model) else clip.num_frames or interval)
        for frame, _, labels in run_video(model, clip.frames(), schedule, device):
            if frame.labels is not None:
                confusion += confusion_matrix(frame.labels, labels, dataset.num_classes)
    value = mean_iou(sum_over_processes(torch.from_numpy(confusion).to(device)).cpu().numpy())
    return {} if value is None else {MIOU: value}


def end_point_error(
    network: FlowNetS, clips: Sequence[TrainingClip], max_distance: int, device: torch.device
) -> dict[str, float]:
    """`epe`: the mean end-point error in pixels of the frame, over frames at distances 1..`max_distance` in turn.

    Pixels whose ground-truth flow is not finite do not count; empty where none counts. Clips are divided among the
    processes of the run; their sums are added in the order of the clips, so that each finds what one process would.
    """
    sums = torch.zeros(len(clips), 2, dtype=torch.float64)
    for place, clip in share_of(clips):
        for index in filter(None, clip.labelled):
            key = max(index - 1 - (index - 1) % max_distance, 0)
            known = clip.flow(index, key)
            assert known is not None
            truth = torch.from_numpy(known[0])
            frame, key_frame = (as_tensor(clip.frame(at)[0], device)[None] for at in (index, key))
            with torch.inference_mode():
                pair = stack_pair(frame, key_frame)
                flow = network.flow(frame[0], key_frame[0])
                size = (2 * pair.shape[2], 2 * pair.shape[3])
                upsampled = nn.functional.interpolate(flow, size, mode="bilinear", align_corners=False)[0].cpu()
            upsampled = upsampled * (size[1] / flow.shape[3])
            error = (upsampled[:, : truth.shape[1], : truth.shape[2]] - truth).norm(dim=0)
            error = error[error.isfinite()]
            sums[place] += torch.tensor([float(error.sum()), error.numel()], dtype=torch.float64)
    total, count = sum_over_processes(sums.to(device)).sum(dim=0).tolist()
    return {EPE: total / count} if count else {}


def last_validation(history: Sequence[Row]) -> dict[str, float]:
    """What the last validation in a history found; empty where there was none.

    >>> last_validation([{"step": 1, "miou": 0.2}, {"step": 2, "miou": 0.3}, {"step": 3, "loss": 1.0}])
    {'miou': 0.3}
    """
    found = ({name: row[name] for name in (MIOU, EPE) if name in row} for row in reversed(history))
    return next(filter(None, found), {})
