"""Methods, data and a builder that stand in for the real ones: quick, and easy to reason about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.data import Dataset, open_dataset
from bench.evaluate.memo import Memo
from bench.measure.count.cost_of_method import Cost
from bench.methods.builder import Built
from mpvss.sharing import SharedResults, shareable

NUM_CLASSES = 6


def small_data(clips: int = 2, frames: int = 18) -> Dataset:
    return open_dataset(f"generated:clips={clips},frames={frames},size=32x32,seed=1")


@dataclass(frozen=True)
class LabelMap:
    """A prediction that is known from the start."""

    classes: Tensor

    def labels(self) -> Tensor:
        return self.classes

    def scores(self) -> Tensor:
        return torch.nn.functional.one_hot(self.classes.long(), NUM_CLASSES).permute(2, 0, 1).float()


class Network:
    """Two shareable functions that count how often they are really computed."""

    def __init__(self, shared: SharedResults | None = None) -> None:
        self.shared = shared
        self.calls: Counter[str] = Counter()

    @shareable
    def classes(self, frame: Tensor) -> Tensor:
        self.calls["classes"] += 1
        return (frame[0] % NUM_CLASSES).to(torch.uint8)

    @shareable
    def flow(self, frame: Tensor, key_frame: Tensor) -> Tensor:
        self.calls["flow"] += 1
        return (frame.int() - key_frame.int()).abs().sum(0)


class Wandering:
    """A method whose state goes on with every frame."""

    num_classes = NUM_CLASSES

    def __init__(self, network: Network, shift: int = 1) -> None:
        self._network = network
        self._shift = shift
        self.calls: Counter[str] = Counter()

    def segment(self, frame: Tensor) -> tuple[LabelMap, tuple[Tensor, Tensor]]:
        self.calls["segment"] += 1
        classes = self._network.classes(frame)
        return LabelMap(classes), (frame, classes)

    def propagate(self, frame: Tensor, state: tuple[Tensor, Tensor]) -> tuple[LabelMap, tuple[Tensor, Tensor]]:
        self.calls["propagate"] += 1
        key_frame, classes = state
        moved = self._network.flow(frame, key_frame) > 40
        classes = torch.where(moved, (classes + self._shift) % NUM_CLASSES, classes)
        return LabelMap(classes), (key_frame, classes)


class PerFrame(Wandering):
    """Every frame is segmented."""

    def propagate(self, frame: Tensor, state: object) -> tuple[LabelMap, tuple[Tensor, Tensor]]:
        return self.segment(frame)


class Failing(Wandering):
    """A method that breaks on the third frame after a key frame."""

    def propagate(self, frame: Tensor, state: tuple[Tensor, Tensor]) -> tuple[LabelMap, tuple[Tensor, Tensor]]:
        prediction, state = super().propagate(frame, state)
        if self.calls["propagate"] % 3 == 0:
            raise RuntimeError("out of luck")
        return prediction, state


def fake_build(methods: Sequence[str], backbone: str) -> Built:
    """Methods `per-frame`, `wander` and `failing`, on one network."""
    memo = Memo()
    network = Network(memo)
    makers = {"per-frame": PerFrame, "wander": Wandering, "failing": Failing}
    segmenters = {method: makers[method](network) for method in methods}
    return Built(segmenters, dict.fromkeys(methods, "untrained"), memo=memo)


def fake_cost(method: str, backbone: str, size: tuple[int, int], clip_lengths: Sequence[int]) -> Cost:
    return Cost(3_000_000, 5_000_000_000, 1_000_000_000)


def as_frames(dataset: Dataset, clip: int = 0) -> list[Tensor]:
    return [torch.from_numpy(np.array(frame.image)) for frame in dataset.clips[clip].frames()]
