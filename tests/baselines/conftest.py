"""How close to the golden files of the rival networks an output must be."""

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def assert_near():
    """`assert_near(ours, golden)`: a relative error under 1e-4."""

    def check(ours: torch.Tensor, golden: np.ndarray) -> None:
        assert tuple(ours.shape) == golden.shape
        error = np.linalg.norm(ours.numpy() - golden) / np.linalg.norm(golden)
        assert error < 1e-4, error

    return check


@pytest.fixture(scope="session")
def assert_same_labels():
    """`assert_same_labels(labels, scores, golden)`: equal where the two best scores differ by more than 1e-4."""

    def check(labels: torch.Tensor, scores: torch.Tensor, golden: np.ndarray) -> None:
        assert labels.dtype == torch.uint8
        best = scores.topk(2, dim=0).values
        differ = labels.numpy() != golden
        assert differ.shape == tuple(best.shape[1:])
        assert (best[0] - best[1])[torch.from_numpy(differ)].numpy().max(initial=0) < 1e-4
        assert len(np.unique(golden)) > 1

    return check
