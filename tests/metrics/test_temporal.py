"""Temporal consistency of a few pixels, worked by hand."""

import numpy as np
import pytest

from bench.evaluate.frame_flow import FrameFlow
from bench.evaluate.lockstep import Cell, Group
from bench.evaluate.scorers import ClipScorer
from bench.metrics import flow_sources, mean_iou_with_predicted, temporal_confusion, warped_labels

CELL = Cell("m", 1)


def one_right(height: int, width: int) -> np.ndarray:
    """Every pixel was one to the right in the frame before."""
    return np.stack([np.ones((height, width)), np.zeros((height, width))])


def test_a_shift_by_hand():
    previous = np.array([[0, 0, 1, 1]], np.uint8)
    sources = flow_sources(one_right(1, 4))
    # Pixel 3 came from outside the frame.
    assert warped_labels(previous, sources).tolist() == [[0, 1, 1, 255]]
    # Warped [0 1 1 -] beside the prediction [0 1 0 1]: one 0 kept, one 1 kept, one 1 became 0; the last is not counted.
    confusion = temporal_confusion(previous, np.array([[0, 1, 0, 1]], np.uint8), sources, 2)
    assert confusion.tolist() == [[1, 0], [1, 1]]
    # IoU of 0: 1 of 2; of 1: 1 of 2.
    assert mean_iou_with_predicted(confusion) == pytest.approx(0.5)


def test_rows_and_columns_are_not_mixed_up():
    flow = np.zeros((2, 2, 3))
    flow[1, 0] = 1  # the upper row was one below
    flow[0, 1, 0] = 2  # the lower left pixel was two to the right
    labels = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)
    assert warped_labels(labels, flow_sources(flow)).tolist() == [[3, 4, 5], [5, 4, 5]]


def test_maps_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"labels are \(1, 3\) and the flow \(1, 4\)"):
        warped_labels(np.zeros((1, 3), np.uint8), flow_sources(one_right(1, 4)))


def score(maps, flow, truth=None):
    scorer = ClipScorer([CELL], 3, "ground truth")
    for index, labels in enumerate(maps):
        sources = flow_sources(flow) if index else None
        scorer.update(truth, [Group((CELL,), np.array(labels, np.uint8))], sources)
    return scorer.end(())[CELL]


def test_pairs_of_a_clip_are_pooled_and_clips_added():
    still = np.zeros((2, 1, 2))
    truth = np.zeros((1, 2), np.uint8)
    # Pairs: 00 -> 01, 01 -> 01. Pooled: 0 to 0 twice, 0 to 1 once, 1 to 1 once.
    first = score([[[0, 0]], [[0, 1]], [[0, 1]]], still, truth)
    # One more pair, of class 2 alone.
    both = first + score([[[2, 2]], [[2, 2]]], still, truth)
    measures = both.measures()
    assert measures is not None
    # IoU: 0 has 2 of 3, 1 has 1 of 2, 2 has 2 of 2.
    assert measures["tc"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert measures["tc_flow"] == "ground truth"


def test_it_needs_no_ground_truth_but_a_flow():
    truth = np.zeros((1, 2), np.uint8)
    consistent_and_wrong = score([[[1, 2]]] * 3, np.zeros((2, 1, 2)), truth).measures()
    assert consistent_and_wrong is not None
    assert (consistent_and_wrong["tc"], consistent_and_wrong["miou"]) == (1, 0)
    scorer = ClipScorer([CELL], 3)
    scorer.update(truth, [Group((CELL,), truth)])
    without_flow = scorer.end(())[CELL].measures()
    assert without_flow is not None
    assert "tc" not in without_flow


def test_synthetic_clips_warp_by_their_own_flow():
    import torch

    from bench.data import open_dataset

    clip = open_dataset("synthetic:clips=1,frames=2,size=64x96").clips[0]
    flow = FrameFlow(clip)
    frames = list(clip.frames())
    assert flow.source == "ground truth"
    assert flow.step(torch.from_numpy(frames[0].image)) is None
    sources = flow.step(torch.from_numpy(frames[1].image))
    assert sources is not None
    before, after = (frame.labels for frame in frames)
    warped = warped_labels(before, sources)
    # The classes of what is seen in both frames stay; occluded pixels are few between successive frames.
    assert (warped == after)[warped != 255].mean() > 0.97


def test_other_clips_warp_by_dense_search():
    import torch

    from bench.data import open_dataset

    pytest.importorskip("cv2")
    clip = open_dataset("generated:clips=1,frames=2,size=64x96").clips[0]
    flow = FrameFlow(clip)
    assert flow.source == "DIS"
    steps = [flow.step(torch.from_numpy(frame.image)) for frame in clip.frames()]
    assert steps[0] is None
    assert steps[1].shape == (64, 96)


def test_it_is_kept_with_a_clip_and_left_out_where_a_clip_has_none(tmp_path):
    from bench.evaluate.clip_store import ClipStore

    truth = np.zeros((1, 2), np.uint8)
    measured = score([[[0, 1]]] * 2, np.zeros((2, 1, 2)), truth)
    store = ClipStore(tmp_path)
    store.save(0, "a", {CELL: measured})
    kept = store.load(0, "a")[CELL]
    assert kept.flow_source == "ground truth"
    np.testing.assert_array_equal(kept.temporal, measured.temporal)
    scorer = ClipScorer([CELL], 3)
    scorer.update(truth, [Group((CELL,), truth)])
    before_there_was_tc = scorer.end(())[CELL]
    store.save(1, "b", {CELL: before_there_was_tc})
    assert store.load(1, "b")[CELL].temporal is None
    measures = (kept + before_there_was_tc).measures()
    assert measures is not None
    assert "tc" not in measures
