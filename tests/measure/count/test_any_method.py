"""Counts of methods of any making: plain objects, weights that want gradients, work that leaves torch."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.measure.count.by_stage import FRAME, count_by_stage
from bench.measure.count.cost_of_method import cost_of
from bench.measure.count.frames import count_frames, record_frames

HEIGHT, WIDTH = SIZE = (24, 40)
CONVOLUTION = 3 * 2 * 9 * HEIGHT * WIDTH


@dataclass
class Shown:
    map: Tensor

    def labels(self) -> Tensor:
        return self.map.argmax(0).to(torch.uint8)

    def scores(self) -> Tensor:
        return self.map


class Plain:
    """No module: it holds one, and a bare parameter."""

    num_classes = 2

    def __init__(self) -> None:
        self.network = nn.Conv2d(3, 2, 3, padding=1)
        self.offset = nn.Parameter(torch.zeros(2, 1, 1))

    def segment(self, frame):
        scores = self.network(frame.float()[None])[0] + self.offset
        return Shown(scores), scores

    def propagate(self, frame, state):
        return Shown(state), state


class Functional:
    """No module and no network: a tensor that wants a gradient."""

    num_classes = 2

    def __init__(self) -> None:
        self.weight = torch.ones(2, 3, 3, 3, requires_grad=True)

    def segment(self, frame):
        return Shown(F.conv2d(frame.float()[None], self.weight, padding=1)[0]), None

    def propagate(self, frame, state):
        return self.segment(frame)


class Smoothed(nn.Module):
    """A network whose scores numpy smooths on non-key frames."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, 2, 3, padding=1)

    def segment(self, frame):
        scores = self.network(frame.float()[None])[0]
        return Shown(scores), scores

    def propagate(self, frame, state):
        return Shown(torch.from_numpy(smooth(state))), state


def smooth(scores: Tensor) -> np.ndarray:
    return (scores.numpy() + np.roll(np.asarray(scores), 1, axis=1)) / 2


class Deciding(nn.Module):
    """What it does depends on numbers."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Conv2d(3, 2, 3, padding=1)

    def segment(self, frame):
        frame = frame.float()
        return Shown(self.network(frame[None])[0] if frame.sum() > 0 else frame[:2]), None

    def propagate(self, frame, state):
        return self.segment(frame)


class Foreign(nn.Module):
    """Its labels have nothing to do with torch's operators."""

    num_classes = 2

    def segment(self, frame):
        return Shown(torch.from_numpy(np.zeros((2, *frame.shape[1:])))), None

    def propagate(self, frame, state):
        return self.segment(frame)


def test_a_plain_object_that_holds_a_network():
    cost = cost_of(Plain(), SIZE)
    assert (cost.key_macs, cost.non_key_macs, cost.not_counted) == (CONVOLUTION, 0, ())
    assert cost.parameters == 2 * 3 * 9 + 2 + 2


def test_weights_that_want_gradients():
    cost = cost_of(Functional(), SIZE)
    assert (cost.key_macs, cost.non_key_macs, cost.parameters) == (CONVOLUTION, CONVOLUTION, 2 * 3 * 9)


def test_where_a_method_leaves_torch_is_named():
    cost = cost_of(Smoothed(), SIZE)
    assert (cost.key_macs, cost.non_key_macs) == (CONVOLUTION, 0)
    first = smooth.__code__.co_firstlineno + 1
    assert cost.not_counted == (
        f"Tensor.numpy in smooth (test_any_method.py, line {first})",
        f"Tensor.__array__ in smooth (test_any_method.py, line {first})",
    )


def test_a_method_that_needs_numbers_is_run_on_numbers():
    method = Deciding()
    with pytest.raises(RuntimeError):
        record_frames(method, SIZE)
    cost = cost_of(method, SIZE)
    assert (cost.key_macs, cost.non_key_macs, cost.not_counted) == (CONVOLUTION, CONVOLUTION, ())


def test_labels_that_torch_did_not_make_are_not_taken_for_work_of_none():
    with pytest.raises(RuntimeError, match="not made of the frame by torch alone"):
        record_frames(Foreign(), SIZE)
    assert count_frames(Foreign(), SIZE).key


@pytest.mark.parametrize("method", [Smoothed, Deciding])
def test_the_method_is_left_as_it_was(method):
    method = method()
    before = {name: id(tensor) for name, tensor in method.state_dict(keep_vars=True).items()}
    cost_of(method, SIZE)
    assert {name: id(tensor) for name, tensor in method.state_dict(keep_vars=True).items()} == before
    assert all(parameter.device.type == "cpu" and parameter.requires_grad for parameter in method.parameters())


def test_an_unknown_operator_is_named():
    class Unknown(Plain):
        def segment(self, frame):
            torch.linalg.svdvals(frame[0].float())
            return super().segment(frame)

    with pytest.raises(ValueError, match="operator aten::_linalg_svd is not known to the count"):
        cost_of(Unknown(), SIZE)


@pytest.mark.parametrize("method", [Plain, Functional])
def test_other_counters_take_it_too(method):
    method = method()
    counts = count_by_stage(method, SIZE)["key"][FRAME]
    # thop sees layers alone.
    assert {name: count.macs for name, count in counts.items() if name != "thop"} == dict.fromkeys(
        ("ours", "fvcore", "torch"), CONVOLUTION
    )
    weight = method.network.weight if isinstance(method, Plain) else method.weight
    assert weight.requires_grad
