"""Lockstep gives what running each cell alone gives, at the cost that sharing promises."""

from __future__ import annotations

import numpy as np
import pytest
from harness_fakes import NUM_CLASSES, Failing, LabelMap, Network, PerFrame, Wandering, as_frames, small_data

from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from mpvss.sharing import shareable

INTERVALS = (1, 2, 3, 5, 10)
FRAMES = as_frames(small_data(clips=1, frames=18))


def run(segmenters, cells, memo=None):
    """The label maps of each cell, frame by frame, and the lockstep."""
    maps = {cell: [] for cell in cells}
    lockstep = Lockstep(segmenters, cells, memo or Memo())
    for frame in FRAMES:
        for group in lockstep.step(frame):
            for cell in group.cells:
                maps[cell].append(group.labels)
    return maps, lockstep


def alone(segmenter, interval):
    maps, state = [], None
    for index, frame in enumerate(FRAMES):
        prediction, state = segmenter.propagate(frame, state) if index % interval else segmenter.segment(frame)
        maps.append(prediction.labels().numpy().copy())
    return maps


def cells_of(*methods):
    return [Cell(method, interval) for method in methods for interval in INTERVALS]


def test_equals_each_cell_run_alone_on_methods_whose_state_goes_on():
    network = Network(memo := Memo())
    segmenters = {"a": Wandering(network, 1), "b": Wandering(network, 2)}
    maps, lockstep = run(segmenters, cells_of("a", "b"), memo)
    assert not lockstep.failed
    for (method, shift), interval in [((m, s), i) for m, s in (("a", 1), ("b", 2)) for i in INTERVALS]:
        expected = alone(Wandering(Network(), shift), interval)
        np.testing.assert_array_equal(np.stack(maps[Cell(method, interval)]), np.stack(expected))
    assert not np.array_equal(maps[Cell("a", 10)][9], maps[Cell("b", 10)][9])
    assert not np.array_equal(maps[Cell("a", 10)][9], maps[Cell("a", 2)][9])


def test_a_frame_is_segmented_once_and_a_flow_estimated_once():
    network = Network(memo := Memo())
    segmenters = {"a": Wandering(network), "b": Wandering(network), "p": PerFrame(network)}
    run(segmenters, [*cells_of("a", "b"), Cell("p", 1)], memo)
    pairs = {(t, t - t % i) for t in range(len(FRAMES)) for i in INTERVALS if t % i}
    assert network.calls == {"classes": len(FRAMES), "flow": len(pairs)}
    for method in "ab":
        assert segmenters[method].calls == {"segment": len(FRAMES), "propagate": len(pairs)}


def test_only_key_frames_are_segmented_when_no_interval_is_one():
    network = Network(memo := Memo())
    run({"a": Wandering(network)}, [Cell("a", 4), Cell("a", 6)], memo)
    assert network.calls["classes"] == len({t for t in range(18) if t % 4 == 0 or t % 6 == 0})


def test_cells_with_one_label_map_come_as_one_group():
    class Copying(Wandering):
        def propagate(self, frame, state):
            return state, state

        def segment(self, frame):
            prediction, _ = super().segment(frame)
            return prediction, prediction

    asked = []

    class Asked(LabelMap):
        def labels(self):
            asked.append(self)
            return self.classes

    class Network2(Network):
        @shareable
        def prediction(self, frame):
            return Asked(self.classes(frame))

    network = Network2(memo := Memo())
    segmenters = {"a": Copying(network), "b": Copying(network)}
    for segmenter in segmenters.values():
        segmenter.segment = lambda frame: (network.prediction(frame),) * 2
    lockstep = Lockstep(segmenters, [Cell("a", 3), Cell("b", 3)], memo)
    groups = [lockstep.step(frame) for frame in FRAMES[:6]]
    assert [[group.cells for group in step] for step in groups] == [[(Cell("a", 3), Cell("b", 3))]] * 6
    assert len(asked) == 2  # one label map a key frame


def test_a_method_that_fails_leaves_the_others_alone():
    network = Network(memo := Memo())
    segmenters = {"bad": Failing(network), "good": Wandering(network)}
    cells = [Cell("bad", 5), Cell("good", 5)]
    maps, lockstep = run(segmenters, cells, memo)
    assert {name: str(error) for name, error in lockstep.failed.items()} == {"bad": "out of luck"}
    assert len(maps[Cell("bad", 5)]) == 3  # frames 0, 1, 2; it broke on 3
    np.testing.assert_array_equal(np.stack(maps[Cell("good", 5)]), np.stack(alone(Wandering(Network()), 5)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda classes: classes[1:], r"\(31, 32\) and the frame \(32, 32\)"),
        (lambda classes: classes + NUM_CLASSES, "class .* of a method of 6 classes"),
    ],
)
def test_label_maps_that_cannot_be_are_the_methods_failure(change, words):
    class Wrong(Wandering):
        def segment(self, frame):
            prediction, state = super().segment(frame)
            return LabelMap(change(prediction.classes)), state

    _, lockstep = run({"a": Wrong(Network())}, [Cell("a", 1)])
    with pytest.raises(ValueError, match=words):
        raise lockstep.failed["a"]


def test_the_memo_tells_arguments_apart():
    network = Network(memo := Memo())
    first, second = FRAMES[:2]
    with memo.one_frame():
        assert network.flow(first, second) is network.flow(first, second)
        assert network.calls["flow"] == 1
        network.flow(second, first)
        network.flow(first, key_frame=second)
        assert network.calls["flow"] == 3


def test_the_memo_tells_networks_apart():
    memo = Memo()
    networks = [Network(memo), Network(memo)]
    with memo.one_frame():
        for network in networks:
            network.classes(FRAMES[0])
    assert [network.calls["classes"] for network in networks] == [1, 1]


def test_the_memo_holds_nothing_beyond_a_frame():
    network = Network(memo := Memo())

    def stop_midway():
        with memo.one_frame():
            network.classes(FRAMES[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_midway()
    for _ in range(2):
        network.classes(FRAMES[0])
    assert network.calls["classes"] == 3
    with memo.one_frame():
        network.classes(FRAMES[0])
    assert network.calls["classes"] == 4
