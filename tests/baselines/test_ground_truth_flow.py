"""Warping by the ground-truth flow: what the optical-flow baseline would do if its flow were right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from baselines.ground_truth_flow import GroundTruthFlow
from bench.data import open_dataset
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from bench.methods import build
from bench.methods.names import GROUND_TRUTH_FLOW
from bench.metrics import confusion_matrix, mean_iou
from mpvss.segmentor.semantic import MaskPrediction

CLASSES = 12


class Knows(nn.Module):
    """A segmentor that is right: its masks are those of the frame's label map, at a quarter of its size."""

    num_classes = CLASSES

    def __init__(self, clip):
        super().__init__()
        self._labels = {frame.image.tobytes(): frame.labels for frame in clip.frames()}

    def predict(self, frame):
        labels = torch.from_numpy(self._labels[frame.numpy().tobytes()]).long()
        masks = nn.functional.one_hot(labels, CLASSES).permute(2, 0, 1).float()
        masks = nn.functional.avg_pool2d(masks, 4)
        return MaskPrediction(torch.eye(CLASSES), 10 * masks - 5, tuple(labels.shape))


@pytest.mark.parametrize("size", [(64, 96), (50, 70)])
def test_is_optical_flow_with_another_flow(size, filled, frames):
    """A flow that is linear over the frame is the same whether it is made at 1/8 or resized from the frame."""
    method = filled(build(GROUND_TRUTH_FLOW, backbone="nano", num_classes=5), 1)
    assert isinstance(method, GroundTruthFlow)
    key_frame, frame = frames(*size)
    height, width = (side + -side % 32 for side in size)

    def linear(step: int):
        rows, columns = torch.arange(height // step), torch.arange(width // step)[:, None]
        x = ((columns + 0.5) * step).T.expand(len(rows), -1)
        return torch.stack((0.05 * x + 1, -3 - 0.1 * x)) / step

    class Flow(nn.Module):
        def flow(self, frame, key_frame):
            return linear(8)[None]

    peer = build("optical-flow", backbone="nano", num_classes=5)
    peer.segmentor, peer.flow = method.segmentor, Flow()
    with torch.inference_mode():
        expected, _ = peer.propagate(frame, peer.segment(key_frame)[1])
        _, state = method.segment(key_frame)
        told = method.take_ground_truth_flow(state, linear(1)[:, : size[0], : size[1]])
        prediction, after = method.propagate(frame, told)
    inside = (slice(None), slice(0, size[0] // 4), slice(1, size[1] // 4 - 1))  # a resize repeats its border
    torch.testing.assert_close(prediction.mask_logits[inside], expected.mask_logits[inside], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="must be told the ground-truth flow"):
        method.propagate(frame, after)  # a flow serves one frame


def score(clip, names, ground_truth_flow):
    """The mIoU of methods over a segmentor that is right, at interval 9."""
    segmentor = Knows(clip)
    methods = {}
    for name in names:
        methods[name] = build(name, backbone="nano", num_classes=CLASSES)
        methods[name].segmentor = segmentor
    totals = {name: np.zeros((CLASSES, CLASSES), np.int64) for name in names}
    lockstep = Lockstep(methods, [Cell(name, 9) for name in names], Memo(), ground_truth_flow=ground_truth_flow)
    for frame in clip.frames():
        for group in lockstep.step(torch.from_numpy(frame.image)):
            for cell in group.cells:
                totals[cell.method] += confusion_matrix(frame.labels, group.labels, CLASSES)
    assert not lockstep.failed
    return [mean_iou(total) for total in totals.values()]


def test_recovers_what_has_moved_in_a_clip():
    (clip,) = open_dataset("synthetic:clips=1,frames=9,size=96x160").clips
    copied, warped = score(clip, ["copy", GROUND_TRUTH_FLOW], clip.flow)
    assert warped > copied + 0.05
    # Where things were is told in pixels of the frame, x then y, and not the other way round.
    swapped = lambda index, key: (np.ascontiguousarray(clip.flow(index, key)[0][::-1]), None)  # noqa: E731
    (wrong,) = score(clip, [GROUND_TRUTH_FLOW], swapped)
    assert wrong < copied
