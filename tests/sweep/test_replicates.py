"""Several processes as one measurement: their samples, what ended them, and what fails with them."""

from __future__ import annotations

import signal
from math import e

import pytest

from bench.cli.main import main
from bench.measure.memory import PeakMemory
from bench.measure.time.processes import quantile_bounds
from bench.measure.time.samples import Course, Sample, Times, Timing
from bench.measure.time.stopping import FixedRounds, Precision
from bench.runs.read import read_cells, read_latency, read_run_record, read_samples
from bench.sweep import replicates
from bench.sweep.failure import Failure
from bench.sweep.merge_processes import merged
from bench.sweep.messages import Request, Task
from bench.sweep.replicates import measure_in_process
from bench.sweep.times import Alone, Measured
from bench.sweep.worker import share_of
from bench.sweep.worker_process import Interpreter, WorkerError, WorkerProcess
from mpvss.errors import UserError

DATA = "generated:clips=1,frames=6,size=32x32"
REQUEST = Request(methods=("copy",), backbones=("nano",), data=DATA, precision=9.0, samples=2, threads=1)


def timing(seconds, stopped="precision", stable=True, guard=None):
    samples = [Sample(round=0, place=0, frame=i, key=True, seconds=time) for i, time in enumerate(seconds)]
    return Timing({"labels": Times(samples, samples[:1])}, Course(stopped, 3, 2.0, 0.5, 1, stable), guard=guard)


def measured(timings, failed=()):
    return Measured(
        timings,
        {name: Alone(PeakMemory(host_peak=7), {"key": {}}) for name in timings},
        dict.fromkeys(timings, "untrained"),
        {name: Failure("RuntimeError: x", "") for name in failed},
        dict.fromkeys(timings, 0),
    )


def merge(*timings, rule=None):
    return merged([measured({"copy": one}) for one in timings], rule or FixedRounds(3)).timings["copy"]


class TestMerging:
    def test_samples_name_their_process_and_courses_add_up(self):
        found = merge(timing([1.0, 2.0], "rounds"), timing([3.0], "rounds"))
        assert [(s.process, s.seconds) for s in found.times["labels"].samples] == [(0, 1.0), (0, 2.0), (1, 3.0)]
        assert [s.process for s in found.times["labels"].warmup] == [0, 1]
        assert found.times["labels"].by_process("key") == [[1.0, 2.0], [3.0]]
        assert found.course == Course("rounds", 6, 4.0, 1.0, 2, True)

    @pytest.mark.parametrize(
        ("stopped", "stable", "expected"),
        [
            (("precision", "time limit"), (True, True), ("time limit", True)),
            (("precision", "precision"), (True, False), ("precision", False)),
            (("precision", "precision"), (None, None), ("precision", None)),
        ],
    )
    def test_what_one_process_lacks_all_lack(self, stopped, stable, expected):
        found = merge(*(timing([1.0], *of) for of in zip(stopped, stable, strict=True)), rule=Precision())
        assert (found.course.stopped, found.course.warmup_stable) == expected

    def test_processes_that_differ_by_more_than_the_precision_asked_for_say_so(self):
        rule = Precision(width=0.02)
        assert merge(timing([1.0]), timing([1.0]), rule=rule).course.stopped == "precision"
        assert merge(timing([1.0]), timing([1.1]), rule=rule).course.stopped == "processes"
        # Less than the clock can tell.
        assert merge(timing([1.0e-7]), timing([1.1e-7]), rule=rule).course.stopped == "precision"

    def test_a_method_that_failed_in_one_process_has_failed(self):
        whole = measured({"copy": timing([1.0]), "mpvss": timing([1.0])})
        found = merged([whole, measured({"copy": timing([2.0])}, failed=["mpvss"])], FixedRounds(1))
        assert (list(found.timings), list(found.failed)) == (["copy"], ["mpvss"])

    def test_what_the_card_did_is_put_together(self):
        def guard(clock, share, readings):
            return {
                "sm_clock_mhz": [clock, clock + 10],
                "temperature_c": clock,
                "power_w": 1.0,
                "other_processes": 0,
                "throttle_reasons": ["power cap"] if share else [],
                "throttled_share": share,
                "readings": [{}] * readings,
            }

        found = merge(timing([1.0], guard=guard(100, 0.0, 6)), timing([1.0], guard=guard(50, 0.5, 2))).guard
        assert found is not None
        assert (found["sm_clock_mhz"], found["temperature_c"], len(found["readings"])) == ([50, 110], 100, 8)
        assert (found["throttled_share"], found["throttle_reasons"]) == (0.125, ["power cap"])


def test_a_share_of_the_samples_and_of_the_time():
    assert share_of(Precision(minimum=50, time_limit=60), 5, 12) == Precision(minimum=10, time_limit=12)
    assert share_of(Precision(minimum=10), 5, None).minimum == 6  # a median's interval takes as many
    assert share_of(Precision(minimum=2), 1, None) == Precision(minimum=2)
    assert share_of(FixedRounds(3), 5, 12) == FixedRounds(3)


def test_the_time_that_is_left_is_shared_by_the_processes_that_are_left(monkeypatch):
    shares, clock = [], iter([0.0, 0.0, 10.0, 90.0])  # the first process took 10 s, the second 80 s

    def run(task, interpreter, tick):
        shares.append(task.time_limit)
        return measured({"copy": timing([1.0])})

    monkeypatch.setattr(replicates, "measure_in_process", run)
    monkeypatch.setattr(replicates, "time", lambda: next(clock))
    replicates.measure_in_processes(REQUEST, "nano", {"copy": True}, Precision(time_limit=60), 3)
    assert shares == [20, 25, replicates.LEAST_SHARE]


def test_the_bounds_over_processes_are_the_wider_of_two_intervals():
    # Logarithms -1, 0 and 1: variance 1, of the mean 1/3; Student's 97.5 % of 2 degrees of freedom is 4.303.
    low, high = quantile_bounds([[1 / e] * 6, [1.0] * 6, [e] * 6], 0.5) or (0, 0)
    assert (low * high, high) == (pytest.approx(1), pytest.approx(e ** (4.3027 / 3**0.5), rel=1e-4))
    # Of like processes the order statistics are wider: of 18 samples the 5th smallest and largest.
    alike = [[float(value) for value in range(1, 7)]] * 3
    assert quantile_bounds(alike, 0.5) == (2.0, 5.0)
    assert quantile_bounds([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 0.5) == (1.0, 6.0)
    assert quantile_bounds([[1.0, 2.0], [1.0, 2.0]], 0.5) is None  # four samples are too few


def test_a_run_of_two_processes(tmp_path):
    out = tmp_path / "run"
    options = ["--methods", "copy", "--backbones", "nano", "--intervals", "1,5", "--precision", "9", "--samples", "2"]
    command = ["latency", *options, "--threads", "1", "--data", DATA, "--processes", "2", "--out", str(out)]
    assert main(command) == 0
    samples = read_samples(out)
    assert sorted(samples["process"].unique()) == [0, 1]
    assert read_run_record(out).configuration.stopping.startswith("2 processes, until each median's")
    for row in read_latency(out).to_dict("records"):
        counted = samples[~samples["warmup"] & (samples["kind"] == row["kind"])]
        groups = [group["seconds"].tolist() for _, group in counted.groupby("process")]
        low, high = quantile_bounds(groups, 0.5) or (0, 0)
        assert [row["p50_low_ms"], row["p50_high_ms"]] == pytest.approx([1000 * low, 1000 * high])
    before = {file: file.stat().st_mtime_ns for file in (out / "cells").iterdir()}
    assert main(command) == 0
    assert {file: file.stat().st_mtime_ns for file in (out / "cells").iterdir()} == before
    assert main([*command, "--processes", "3"]) == 2


def test_a_process_that_dies_fails_its_cells(tmp_path, monkeypatch, capsys):
    def die(task, interpreter, tick):
        raise WorkerError("the process that measures ended without a word, with status -9")

    monkeypatch.setattr(replicates, "measure_in_process", die)
    out = tmp_path / "run"
    options = ["--methods", "copy", "--backbones", "nano", "--intervals", "5", "--threads", "1", "--data", DATA]
    assert main(["latency", *options, "--out", str(out)]) == 1
    (cell,) = read_cells(out)
    assert "ended without a word, with status -9" in cell.errors["timing"]
    assert main(["latency", *options, "--processes", "0", "--out", str(tmp_path / "other")]) == 2
    assert "processes is 0; it must be 1 or more" in capsys.readouterr().err


class TestTheProcess:
    TASK = Task(request=REQUEST, backbone="nano", methods={"copy": True}, warmup_rounds=1)

    def test_it_waits_for_its_turn_after_each_round(self):
        passes = []
        with WorkerProcess(self.TASK, Interpreter(), lambda: passes.append(1)) as worker:
            worker.ready()
            turns = []
            for _ in range(3):
                assert worker.go()
                turns.append(len(passes))
            worker.stop()
            # The first turn holds the warm-up round too.
            assert turns == [2, 3, 4]
            assert worker.measured is not None
            assert worker.measured.timings["copy"].course.rounds == 3

    def test_it_ends_with_the_block(self):
        worker = WorkerProcess(self.TASK, Interpreter())

        def interrupted():
            with worker:
                worker.ready()
                assert worker.go()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert worker._process.returncode in (0, -signal.SIGTERM)

    def test_what_it_refuses_and_how_it_fails(self):
        wrong = Task(request=Request(methods=("nothing",)), backbone="nano", methods={})
        with pytest.raises(UserError, match="unknown method 'nothing'"):
            measure_in_process(wrong, Interpreter())
        missing = Task(request=REQUEST, backbone="nothing", methods={"copy": True})
        found = measure_in_process(missing, Interpreter())
        assert "nothing" in found.failed["copy"].text
        with pytest.raises(WorkerError, match="ended without a word, with status 1"):
            measure_in_process(self.TASK, Interpreter(python="false"))
