"""The golden files of the rival networks, and weights drawn as theirs were."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

RIVALS = Path(__file__).parents[1] / "golden" / "rivals"
sys.path.append(str(RIVALS))

from rival_weights import gain  # noqa: E402
from weights import draw  # noqa: E402

_INTEGERS = ("relative_position_index", "valid_ind", "num_batches_tracked")


@pytest.fixture(scope="session")
def rival_shapes():
    """The names and shapes of a published state dict, `tests/golden/rivals/keys`."""

    def read(case: str) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape in json.loads((RIVALS / f"keys/{case}.json").read_text()).items()}

    return read


@pytest.fixture(scope="session")
def rival_state(rival_shapes):
    """A published state dict filled as the golden files were made; the seed ends the case's name."""

    def fill(case: str) -> dict[str, torch.Tensor]:
        seed = int(case.rpartition("_s")[2])
        return {
            name: torch.from_numpy(draw(name, shape, seed) * np.float32(gain(name)))
            for name, shape in rival_shapes(case).items()
            if not any(part in name for part in _INTEGERS)
        }

    return fill


@pytest.fixture(scope="session")
def rival_arrays():
    """The golden arrays of a case."""
    return lambda case: dict(np.load(RIVALS / f"{case}.npz"))


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
