"""Predictions that are class scores on a coarse grid."""

import pytest
import torch
import torch.nn.functional as F

from baselines.scores import ScorePrediction


@pytest.mark.parametrize("padded", [None, (40, 64)])
@pytest.mark.parametrize("at_once", [1, 3, 7, 32])
def test_labels_are_the_best_scores(at_once, padded):
    coarse = torch.randn(7, 10, 16, generator=torch.Generator().manual_seed(0))
    prediction = ScorePrediction(coarse, (37, 61), padded)
    expected = F.interpolate(coarse[None], padded or (37, 61), mode="bilinear")[0, :, :37, :61]
    torch.testing.assert_close(prediction.scores(), expected)
    assert torch.equal(prediction.best_classes(at_once), expected.argmax(0).to(torch.uint8))
    assert torch.equal(prediction.labels(), expected.argmax(0).to(torch.uint8))


def test_of_equal_scores_the_first_class():
    prediction = ScorePrediction(torch.tensor([0.0, 1.0, 1.0, 0.5]).view(4, 1, 1).repeat(1, 2, 2), (4, 4))
    for at_once in (1, 2, 4):
        assert torch.equal(prediction.best_classes(at_once), torch.ones(4, 4, dtype=torch.uint8))


def test_padded_scores_are_cropped():
    """Scores that rise by 1 a pixel of a grid of 1/2, of which the frame covers the upper left."""
    coarse = torch.arange(4.0).repeat(1, 3, 1)
    scores = ScorePrediction(coarse, (5, 6), padded=(6, 8)).scores()
    assert scores.shape == (1, 5, 6)
    torch.testing.assert_close(scores[0, 2], torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25]))
