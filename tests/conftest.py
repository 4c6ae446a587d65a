"""Shapes in annotations are checked, and networks are made and filled the quick way."""

import contextlib
import json
import re
import sys
from pathlib import Path
from unittest import mock

import jaxtyping
import pytest

# Where the project is not installed, or is in a way that is looked up after `sys.path`, on which pytest puts this
# folder with its subfolders named like the packages.
sys.path.append(str(Path(__file__).parents[1]))
# Before any of them is imported: every function and dataclass checks its arguments and results.
jaxtyping.install_import_hook(["mpvss", "baselines", "bench.data", "bench.metrics"], "shape_checks.checked")

import torch  # noqa: E402

torch.set_num_threads(1)

GOLDEN = Path(__file__).parent / "golden"
SHAPE_CHECKED = ("baselines", "data", "metrics", "mpvss")
"""Folders whose tests check every annotated shape."""
RIVALS = GOLDEN / "rivals"
sys.path += [str(GOLDEN), str(RIVALS)]

import numpy as np  # noqa: E402
from rival_weights import gain  # noqa: E402
from weights import draw  # noqa: E402

_NOT_DRAWN = ("relative_position_index", "num_batches_tracked", "pixel_mean", "pixel_std")
_NOT_GIVEN = ("relative_position_index", "valid_ind", "num_batches_tracked")
_DRAWING = ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "xavier_uniform_")


@pytest.fixture
def without_shape_checks(monkeypatch):
    """What a user meets, for whom annotations are not checked."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(autouse=True)
def _as_a_user(request):
    """Run the harness without shape checks: operation counters see sizes that are no plain integers."""
    if request.path.relative_to(Path(__file__).parent).parts[0] not in SHAPE_CHECKED:
        request.getfixturevalue("without_shape_checks")


@contextlib.contextmanager
def undrawn_weights():
    """Networks made inside hold zeros where weights would be drawn: quick, for those that are filled afterwards."""
    zero = torch.nn.init.zeros_

    def leave(tensor, *args, **kwargs):
        return zero(tensor)

    with contextlib.ExitStack() as stack:
        for name in _DRAWING:
            stack.enter_context(mock.patch.object(torch.nn.init, name, leave))
        yield


@pytest.fixture(scope="session")
def undrawn():
    """The context in which networks are made without drawing weights."""
    return undrawn_weights


@pytest.fixture(scope="session")
def published_shapes():
    """The names and shapes of a published state dict, `tests/golden/keys`."""

    def read(keys: str) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape in json.loads((GOLDEN / f"keys/{keys}.json").read_text()).items()}

    return read


@pytest.fixture(scope="session")
def golden_weights(published_shapes):
    """A published state dict filled as the golden files were made: `golden_weights(keys, seed)`."""
    made: dict[tuple[str, int], dict[str, torch.Tensor]] = {}

    def fill(keys: str, seed: int) -> dict[str, torch.Tensor]:
        if (keys, seed) not in made:
            made.clear()  # one network's weights at a time
            made[keys, seed] = {
                name: torch.from_numpy(draw(name, shape, seed))
                for name, shape in published_shapes(keys).items()
                if name.rpartition(".")[2] not in _NOT_DRAWN
            }
        return made[keys, seed]

    return fill


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
            if not any(part in name for part in _NOT_GIVEN)
        }

    return fill


@pytest.fixture(scope="session")
def rival_arrays():
    """The golden arrays of a case."""
    return lambda case: dict(np.load(RIVALS / f"{case}.npz"))


# Gains without which all queries of a random network end up the same.
_GAINS = (
    (re.compile(r"(query_feat|query_embed|queries_\w+|own_queries)\.weight"), 16.0),
    (re.compile(r"(decoder\.layers|decoder_layers)\..*out_proj\.weight"), 0.1),
    (re.compile(r"(query_decoder|transformer_module)\..*(linear2|fc2)\.weight"), 0.3),
    (re.compile(r"class_(embed|predictor)\.weight"), 3.0),
)


def draw_all(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Every parameter and statistic drawn, so that nothing a fresh network has at zero or one goes unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            values = torch.randn(tensor.shape, generator=generator)
            leaf = name.rpartition(".")[2]
            if leaf == "running_var":
                values = 1 + 0.3 * values.abs()
            elif tensor.ndim == 1:
                values = (1.0 if leaf == "weight" else 0.0) + 0.2 * values
            elif tensor.ndim > 1:
                values = values / tensor[0].numel() ** 0.5
            for pattern, gain in _GAINS:
                if pattern.search(name):
                    values = values * gain
            tensor.copy_(values)
    return module


@pytest.fixture(scope="session")
def filled():
    """`filled(module, seed)`: the module with every tensor drawn from the seed."""
    return draw_all


@pytest.fixture
def frames():
    """`frames(height, width, count, seed)`: smooth random pictures, each a few pixels away from the one before."""

    def make(height: int, width: int, count: int = 2, seed: int = 0) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(1, 3, height // 8 + 3, width // 8 + 3, generator=generator)
        picture = torch.nn.functional.interpolate(
            coarse, (height + 4 * count, width + 4 * count), mode="bilinear", align_corners=False
        )[0]
        noise = 20 * torch.rand(picture.shape, generator=generator)
        picture = (235 * picture + noise).to(torch.uint8)
        return [picture[:, 2 * i : 2 * i + height, 3 * i : 3 * i + width].contiguous() for i in range(count)]

    return make
