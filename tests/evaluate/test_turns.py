"""Methods without key frames take every frame of a clip in turn; those that look ahead are shown what is coming."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from fake_sweep import sweep
from harness_fakes import LabelMap, Network, Wandering

from bench.data import Clip, Dataset, Frame, colour_map
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import refuse_lookahead, with_coming
from bench.evaluate.video import run_video
from bench.measure.count.operator_counts import count_operators
from bench.measure.time.methods import Plan, TimedClip, method_memory, time_methods
from bench.measure.time.modes import Mode, prepare
from bench.measure.time.passes import settled_frame
from bench.measure.time.stopping import FixedRounds, WarmUp
from bench.methods import build
from bench.methods.builder import Built
from bench.methods.names import LIBRARY_METHODS, VIDEO_METHODS, WITHOUT_KEY_FRAMES, branches
from bench.report.tables.latency import speed_table
from bench.runs.read import read_cells, read_run
from bench.sweep.grid import Grid
from mpvss.errors import UserError
from mpvss.video import uses_key_frames

LENGTH = 8
CPU = torch.device("cpu")


def numbered(index: int) -> Frame:
    """A frame whose every value is its index; label 0 everywhere."""
    return Frame(np.full((3, 4, 6), index, np.uint8), np.zeros((4, 6), np.uint8), str(index))


def number(frame: torch.Tensor) -> int:
    return int(frame[0, 0, 0])


FRAMES = [torch.from_numpy(numbered(index).image) for index in range(LENGTH)]


@dataclass
class Following:
    """Notes each turn: how it was called, with which frame, after how many, and what was coming. Labels are the age."""

    num_classes = 10
    key_frames = False
    turns: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)

    def segment(self, frame, *, coming=()) -> tuple[LabelMap, int]:
        return self.turn("segment", frame, 0, coming)

    def propagate(self, frame, state: int, *, coming=()) -> tuple[LabelMap, int]:
        return self.turn("propagate", frame, state, coming)

    def turn(self, how: str, frame, age: int, coming) -> tuple[LabelMap, int]:
        self.turns.append((how, number(frame), tuple(map(number, coming))))
        return LabelMap(torch.full(frame.shape[1:], age, dtype=torch.uint8)), age + 1


class Ahead(Following):
    """The same, which looks two frames ahead."""

    lookahead = 2


def turns_of(length: int, ahead: int, count: int | None = None) -> list[tuple[str, int, tuple[int, ...]]]:
    """What a clip of `length` frames should ask of a method, in its first `count` frames."""
    return [
        ("propagate" if index else "segment", index, tuple(range(index + 1, min(index + 1 + ahead, length))))
        for index in range(length if count is None else count)
    ]


class TestComing:
    def test_no_more_is_read_than_is_shown(self):
        read = []

        def source():
            for index in range(5):
                read.append(index)
                yield index

        seen = [(item, coming, len(read)) for item, coming in with_coming(source(), 2)]
        assert seen == [(0, (1, 2), 3), (1, (2, 3), 4), (2, (3, 4), 5), (3, (4,), 5), (4, (), 5)]

    @pytest.mark.parametrize(("items", "expected"), [("", []), ("a", [("a", ())]), ("ab", [("a", "b"), ("b", ())])])
    def test_short_clips(self, items, expected):
        assert [(item, coming) for item, coming in with_coming(items, 3)] == [(i, tuple(c)) for i, c in expected]


class TestLockstep:
    @pytest.mark.parametrize(("make", "ahead"), [(Following, 0), (Ahead, 2)])
    def test_every_frame_in_turn(self, make, ahead):
        method = make()
        lockstep = Lockstep({"m": method, "w": Wandering(Network())}, [Cell("m", 1), Cell("w", 3)], Memo())
        assert lockstep.lookahead == ahead
        maps = []
        for frame, coming in with_coming(FRAMES, lockstep.lookahead):
            (labels,) = [group.labels for group in lockstep.step(frame, coming) if Cell("m", 1) in group.cells]
            maps.append(labels[0, 0])
        assert method.turns == turns_of(LENGTH, ahead)
        assert maps == list(range(LENGTH))

    def test_single_labels_are_answered_from_the_start_of_the_clip(self):
        """The cell answers at the labelled frames, with all frames before them in its state, and is then left alone."""
        method = Ahead()
        lockstep = Lockstep({"m": method, "w": Wandering(Network())}, [Cell("m", 1), Cell("w", 2)], Memo(), (3, 5))
        found = []
        for frame, coming in with_coming(FRAMES, 2):
            for group in lockstep.step(frame, coming):
                if Cell("m", 1) in group.cells:
                    found.append((number(frame), group.distance, group.labels[0, 0]))
        assert found == [(3, 0, 3), (5, 0, 5)]
        assert method.turns == turns_of(LENGTH, 2, count=6)


class TestSweep:
    def test_one_cell_whatever_the_intervals(self):
        grid = Grid(("per-frame", "cffm", "dvsnet@small", "mine", "copy"), ("b",), (5, 1, 2), ("mine",))
        assert grid.cells() == [
            *(Cell(method, 1) for method in ("per-frame", "cffm", "dvsnet@small", "mine")),
            *(Cell("copy", interval) for interval in (1, 2, 5)),
        ]

    def test_the_list_says_what_the_methods_say(self):
        rows = {"per-frame": "nano", **{method: names[-1] for method, names in VIDEO_METHODS.items()}}
        with torch.device("meta"):
            models = {}
            for method, name in rows.items():
                backbone, key_backbone = branches(method, name)
                models[method] = build(method, backbone=backbone, key_backbone=key_backbone, num_classes=5)
        assert {method for method, model in models.items() if not uses_key_frames(model)} == {
            name for name in WITHOUT_KEY_FRAMES if name not in LIBRARY_METHODS
        }

    def test_frames_before_a_single_label(self):
        def clip(labelled: int) -> Dataset:
            one = Clip("street", lambda: map(numbered, range(LENGTH)), 30, True, 10, labelled_frames=(labelled,))
            return Dataset("sparse", (one,), tuple("0123456789"), colour_map(10), "sparse")

        Grid(("cffm",), ("mit-b0",), (1,)).check_data(clip(9))
        Grid(("netwarp",), ("ocrnet-r101",), (1,)).check_data(clip(0))
        with pytest.raises(UserError, match="cffm@new segments a frame from those up to 9 before it, and clip street "):
            Grid(("cffm@new",), ("mit-b0",), (1,)).check_data(clip(8))

    def test_single_labels_are_scored_once(self, tmp_path):
        """The truth of the labelled frame is its index, which is the age that the method must have there."""

        def read():
            for index in range(LENGTH):
                frame = numbered(index)
                truth = np.full((4, 6), index, np.uint8) if index == 5 else None
                yield Frame(frame.image, truth, frame.name)

        clip = Clip("street", read, LENGTH, True, 10, labelled_frames=(5,))
        data = Dataset("sparse", (clip,), tuple("0123456789"), colour_map(10), "sparse")
        made: list[Any] = []

        def builder(methods, backbone) -> Built:
            made.append(Ahead())
            return Built(dict.fromkeys(methods, made[-1]), dict.fromkeys(methods, "untrained"))

        assert sweep(tmp_path / "run", ("tcb",), data, build=builder, intervals=(1, 3), backbones=("small",)) == []
        (row,) = read_run(tmp_path / "run").to_dict("records")
        assert (row["interval"], row["miou"], row["labelled_frames"]) == (1, 1.0, 1)
        assert made[0].turns == turns_of(LENGTH, 2, count=6)

    @pytest.mark.parametrize(("rate", "milliseconds"), [(Fraction(25, 2), 160.0), (None, None)])
    def test_the_wait_is_given_by_itself(self, tmp_path, rate, milliseconds):
        """Two frames ahead at 12.5 frames a second are 160 ms, which no time of computing holds."""

        def builder(methods, backbone) -> Built:
            return Built({m: Ahead() if m == "tcb" else Following() for m in methods}, dict.fromkeys(methods, "own"))

        clip = Clip("street", lambda: map(numbered, range(LENGTH)), LENGTH, True, 10)
        data = Dataset("street", (clip,), tuple("0123456789"), colour_map(10), "street", rate)
        sweep(tmp_path / "run", ("tcb", "cffm"), data, build=builder, backbones=("small",))
        waiting, other = read_cells(tmp_path / "run")
        assert (waiting.timing.wait_frames, waiting.timing.wait_ms) == (2, milliseconds)
        assert (other.timing.wait_frames, other.timing.wait_ms) == (None, None)
        assert waiting.timing.p50_key_ms < 160
        table = speed_table(read_run(tmp_path / "run").to_dict("records"))
        assert "Waits for (frames)" in table
        assert ("Waits for (ms)" in table) == (rate is not None)


@pytest.mark.parametrize(("make", "ahead"), [(Following, 0), (Ahead, 2)])
def test_a_video(make, ahead):
    method = make()
    found = list(run_video(method, map(numbered, range(LENGTH)), FixedInterval(3), CPU))
    assert method.turns == turns_of(LENGTH, ahead)
    assert [(frame.name, key, labels[0, 0]) for frame, key, labels in found] == [
        (str(index), False, index) for index in range(LENGTH)
    ]


class TestMeasured:
    def test_a_pass(self):
        method = Ahead()
        clip = TimedClip(FRAMES, lambda: iter(FRAMES))
        plan = Plan(scopes=("labels", "video"), rule=FixedRounds(1), warmup=WarmUp(frames=3, most=1))
        timings, failed = time_methods({"m": method}, clip, plan)
        assert failed == {}
        assert method.turns == [turn for count in (3, 3, LENGTH, LENGTH) for turn in turns_of(LENGTH, 2, count)]
        for scope in plan.scopes:
            assert [(s.frame, s.key) for s in timings["m"].times[scope].samples] == [(i, True) for i in range(LENGTH)]

    def test_memory_is_that_of_the_whole_clip(self):
        method = Ahead()
        method_memory(method, FRAMES, Mode())
        assert method.turns == turns_of(LENGTH, 2)

    @pytest.mark.parametrize(("make", "ahead"), [(Following, 0), (Ahead, 2)])
    def test_a_frame_far_from_the_ends(self, make, ahead):
        steps, _ = prepare(make(), "labels", Mode(), FRAMES)
        last = LENGTH - 1 - ahead
        call = settled_frame(steps, FRAMES)
        assert (number(call()[0][None]), call()[1]) == (last, last + 1)
        alone = settled_frame(steps, FRAMES[:1])
        assert alone()[1] == 1

    def test_operators_are_those_of_a_frame_far_from_the_ends(self):
        class Growing(Following):
            """Adds once for each frame before."""

            def turn(self, how, frame, age, coming):
                labels = torch.zeros(frame.shape[1:], dtype=torch.uint8)
                for _ in range(age):
                    labels = torch.add(labels, 1)
                return LabelMap(labels), age + 1

        counts = count_operators(Growing(), FRAMES, Mode())
        assert set(counts) == {"key"}
        assert counts["key"]["aten::add"] == LENGTH - 1


class TestStream:
    def test_refused(self):
        message = "tcb looks at 2 frames after each one, which a stream does not have yet; measure it on a recorded"
        with pytest.raises(UserError, match=message):
            refuse_lookahead("tcb", Ahead())

    def test_allowed(self):
        refuse_lookahead("cffm", Following())
