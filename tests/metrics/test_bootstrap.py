"""Intervals over clips: against a slow loop, of differences, and of what cannot have one."""

from __future__ import annotations

import numpy as np
import pytest

from bench import metrics
from bench.metrics.bootstrap import bootstrap, mean_iou_of_counts, weighted_iou_of_counts
from bench.runs.clip_counts import ClipCounts, contrast

CLIPS, CLASSES = 7, 6
MEASURES = {mean_iou_of_counts: metrics.mean_iou, weighted_iou_of_counts: metrics.weighted_iou}


def confusions(seed: int, distances: int = 1) -> np.ndarray:
    """(clips, distances, C, C), of one truth at every distance.

    Class 3 is in the truth of one clip alone, class 4 is predicted alone, class 5 is nowhere.
    """
    rng = np.random.default_rng(seed)
    matrices = rng.integers(1, 900, (CLIPS, distances, CLASSES, CLASSES))
    matrices[1:, :, 3] = 0
    matrices[:, :, 4:] = 0
    matrices[..., 5] = 0
    shares = matrices / np.maximum(matrices.sum(-1, keepdims=True), 1)
    truth = matrices[:, :1].sum(-1, keepdims=True)
    predicted = np.floor(shares * truth).astype(np.int64)
    predicted[..., 0] += (truth - predicted.sum(-1, keepdims=True))[..., 0]
    return predicted


def counts_of(matrices: np.ndarray) -> np.ndarray:
    diagonal = np.einsum("ndcc->ndc", matrices)
    return np.stack((diagonal, matrices.sum(-1), matrices.sum(-2)), axis=-1)


def slow_interval(terms, measure, resamples: int, seed: int) -> tuple[float, float]:
    """The same, by pooling the confusion matrices of the drawn clips one by one."""
    drawn = np.random.default_rng(seed).multinomial(CLIPS, np.full(CLIPS, 1 / CLIPS), resamples)
    values = []
    for times in drawn:
        total = 0.0
        for weight, matrices in terms:
            pooled = sum(int(n) * clip for n, clip in zip(times, matrices, strict=True))
            total += weight * np.mean([measure(of_distance) for of_distance in pooled])
        values.append(total)
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))


@pytest.mark.parametrize("fast", MEASURES, ids=["mIoU", "WIoU"])
@pytest.mark.parametrize(
    "terms",
    [
        [(1.0, confusions(0))],
        [(1.0, confusions(0, distances=3))],
        [(1.0, confusions(0)), (-1.0, confusions(1))],
        [(1.0, confusions(0, 2)), (-1.0, confusions(1, 4)), (-0.5, confusions(2)), (0.5, confusions(3))],
    ],
    ids=["one", "by distance", "difference", "difference of falls"],
)
def test_equals_a_slow_loop(fast, terms):
    slow = MEASURES[fast]
    interval = bootstrap([(w, counts_of(m)) for w, m in terms], fast, resamples=300, seed=4)
    assert interval is not None
    estimate = sum(w * np.mean([slow(of_distance) for of_distance in m.sum(0)]) for w, m in terms)
    assert interval.estimate == pytest.approx(estimate, abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx(slow_interval(terms, slow, 300, seed=4), abs=1e-12)
    assert interval.low < interval.estimate < interval.high


def test_what_is_hard_for_both_cells_cancels():
    # The second cell is right on nine tenths of what the first is right on, in every clip, easy or hard.
    rng = np.random.default_rng(0)
    truth = np.full((30, 1, 3), 10_000)
    right = np.repeat(rng.integers(100, 900, (30, 1, 1)) * 10, 3, axis=2)
    one, other = (np.stack((n, truth, n), axis=-1) for n in (right, right * 9 // 10))
    alone = bootstrap([(1.0, one)], mean_iou_of_counts)
    paired = bootstrap([(1.0, one), (-1.0, other)], mean_iou_of_counts)
    assert alone is not None
    assert paired is not None
    assert paired.low > 0
    assert (paired.high - paired.low) * 5 < alone.high - alone.low


def test_covers_the_truth_as_often_as_it_says():
    # Clips whose share of right pixels is drawn about 0.5: the interval should hold 0.5 in about 95 of 100 data sets.
    held = 0
    for seed in range(200):
        right = np.random.default_rng(seed).integers(3000, 7001, (40, 1, 1))
        counts = np.stack((right, np.full_like(right, 10_000), right), axis=-1)
        interval = bootstrap([(1.0, counts)], mean_iou_of_counts, resamples=400, seed=seed)
        assert interval is not None
        held += interval.low <= 0.5 <= interval.high
    assert 180 <= held <= 198  # binomial(200, 0.95) is within 181..198 in 99.7 % of cases, less a little for 40 clips


def test_no_interval_of_one_clip_or_of_no_pixel():
    counts = counts_of(confusions(0))
    assert bootstrap([(1.0, counts[:1])], mean_iou_of_counts) is None
    assert bootstrap([(1.0, np.zeros_like(counts))], mean_iou_of_counts) is None


def test_cells_of_other_clips_are_refused():
    counts = counts_of(confusions(0))
    with pytest.raises(ValueError, match=r"6, 7 clips; they must share"):
        bootstrap([(1.0, counts), (-1.0, counts[1:])], mean_iou_of_counts)
    names = tuple("abcdefg")
    first, second = ClipCounts(names, counts), ClipCounts(names[::-1], counts)
    with pytest.raises(ValueError, match="different clips"):
        contrast([(1.0, first), (-1.0, second)])
    same = contrast([(1.0, first), (-1.0, first)], "wiou")
    assert same is not None
    assert (same.low, same.high) == (0, 0)


@pytest.mark.parametrize("distances", [1, 3])
def test_counts_come_back_from_a_file(distances):
    counts = counts_of(confusions(0, distances))
    stored = ClipCounts(tuple("abcdefg"), counts).record()
    assert [clip.classes for clip in stored] == [[0, 1, 2, 3, 4]] * CLIPS
    assert len(stored[0].intersection) == distances
    again = ClipCounts.from_record(stored, CLASSES)
    np.testing.assert_array_equal(again.counts, counts)
    assert again.names == tuple("abcdefg")
