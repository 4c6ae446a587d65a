"""Predicted CPU times: the model on times that follow a law, and networks that are run here."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from bench.cli.main import main
from bench.measure.count.cost_of_method import cost_of
from bench.measure.predict.cpu import FittedCpu, Network, PredictedFrame, Run, fit_this_cpu
from bench.measure.predict.cpu_model import CpuModel, MeasuredFrame, Roofline, fit_cpu
from bench.measure.predict.cpu_record import model_of, record_of
from bench.measure.predict.operations import Operation, TimedMethod, TimedOperations, _Operations, describe_frames
from bench.measure.predict.speeds import predict
from bench.runs.record_file import read_record, write_record
from bench.runs.records.predict import PredictRecord
from mpvss.errors import UserError
from mpvss.segmentor.mask2former import with_fixed_work

NANO = Network("mpvss", "nano", (64, 96), 3)


def convolution(channels: float, pixels: float) -> Operation:
    macs, moved = 9 * channels**2 * pixels, 8 * channels * pixels + 36 * channels**2
    shape = (math.log(9 * channels), math.log(channels), math.log(pixels))
    return Operation("convolution 3x3", int(macs), int(moved), shape)


def law(operation: Operation) -> float:
    """Few channels are inefficient: half of the rate at 32 of them, and 2 µs in any case."""
    channels = math.exp(operation.shape[1])
    return 2e-6 + operation.macs / 60e9 * (1 + 32 / channels)


def measured(draw: np.random.Generator, count: int = 60) -> MeasuredFrame:
    operations = [convolution(2 ** draw.uniform(2, 9), 10 ** draw.uniform(2, 4)) for _ in range(count)]
    return MeasuredFrame(operations, [law(operation) for operation in operations])


def test_efficiency_is_learned_from_what_was_measured():
    draw = np.random.default_rng(0)
    model = fit_cpu([measured(draw) for _ in range(4)])
    others = measured(draw).operations
    ratios = model.each(others) / [law(operation) for operation in others]
    assert np.abs(np.log(ratios)).max() < 0.1
    assert model.frame_seconds(others) == pytest.approx(sum(law(operation) for operation in others), rel=0.03)


def test_beyond_what_was_measured_efficiency_stays():
    """A convolution of ten times the pixels takes ten times as long, not what the roofline of small ones says."""
    draw = np.random.default_rng(1)
    model = fit_cpu([measured(draw) for _ in range(4)])
    (time,) = model.each([convolution(500, 1e6)])
    assert time == pytest.approx(law(convolution(500, 1e6)), rel=0.15)


def test_what_is_of_no_known_kind_is_judged_by_the_roofline():
    model = CpuModel([convolution(64, 1000)], [1.0], Roofline(1e-6, 50e9, 20e9))
    (time,) = model.each([Operation("aten::gelu", 0, 20_000)])
    assert time == pytest.approx(1e-6 + 20_000 / 20e9)


def test_without_a_frame_there_is_nothing_to_fit_to():
    with pytest.raises(UserError, match="no frame was measured to fit to; give one or more"):
        fit_cpu([])


def test_operations_share_the_time_of_their_stage():
    """Timed, the first stage's two take 3 and 7 µs with 1 µs of the stop watch each; alone, the stage takes 16 µs."""
    run = Run(NANO, "key", "fitted")
    run.stages = [{"backbone": 16e-6, "rest": 5e-6}]
    run.operations = [TimedOperations([convolution(8, 100)] * 3, ["backbone", "backbone", "rest"], [3e-6, 7e-6, 2e-6])]
    assert run.frame().seconds == pytest.approx([4e-6, 12e-6, 5e-6])


def test_sampling_is_described_by_its_channels_and_points():
    """Four channels at 2x5 points: an operation of its own, not one of forty points of one channel."""
    with _Operations(timed=False) as mode:
        torch.nn.functional.grid_sample(torch.zeros(1, 4, 3, 3), torch.zeros(1, 2, 5, 2), align_corners=True)
    (operation,) = [x for x in mode.operations if "grid_sampler" in x.kind]
    assert operation.shape == pytest.approx((0.0, math.log(4), math.log(10)))


def test_a_frame_is_described_as_it_runs():
    described = describe_frames(NANO.build, NANO.size)
    method = TimedMethod(NANO.build(), NANO.size)
    cost = cost_of(with_fixed_work(NANO.build()), NANO.size)
    for operations, step, macs in zip(
        described, (method.key, method.non_key), (cost.key_macs, cost.non_key_macs), strict=True
    ):
        executed, stages, seconds = method.operations(step)
        assert len(executed) == len(seconds) == len(stages)
        assert set(stages) <= set(method.stages(step))
        assert min(seconds) >= 0
        assert sum(x.macs for x in executed) == pytest.approx(sum(x.macs for x in operations), rel=1e-3)
        assert sum(x.macs for x in operations) == pytest.approx(macs, rel=0.1)  # on a CPU, labels are found by rows
        ours, theirs = (Counter(x.kind for x in each if x.bytes) for each in (operations, executed))
        assert sum((ours - theirs).values()) <= 0.02 * len(operations)


@pytest.fixture(scope="module")
def fitted() -> FittedCpu:
    other = Network("per-frame", "nano", (96, 128), 3)
    return fit_this_cpu({"fitted": [NANO], "held out": [other]}, rounds=1)


def test_networks_are_run_fitted_and_predicted(fitted):
    frames = [(frame.network.method, frame.kind, frame.role) for frame in fitted.frames]
    assert frames == [("mpvss", "key", "fitted"), ("mpvss", "non-key", "fitted"), ("per-frame", "key", "held out")]
    assert all(
        frame.predicted > 0 and min(frame.samples) <= frame.measured <= max(frame.samples) for frame in fitted.frames
    )


def test_errors_are_those_of_a_role():
    def frame(role, predicted):
        return PredictedFrame(NANO, "key", role, [3.0, 1.0, 0.5, 2.0, 4.0], predicted)  # the lower quartile is 1

    model = CpuModel([], [], Roofline(1, 1, 1))
    frames = (frame("fitted", 9.0), frame("held out", 0.9), frame("held out", 1.3))
    assert FittedCpu(model, frames).errors() == pytest.approx((0.2, 0.3))


def test_the_file_predicts_as_the_model_does(fitted, tmp_path, capsys):
    file = tmp_path / "predict-cpu.json"
    write_record(file, record_of(fitted))
    model = model_of(read_record(file, PredictRecord))
    operations, _ = describe_frames(NANO.build, NANO.size)
    assert model.frame_seconds(operations) == pytest.approx(fitted.model.frame_seconds(operations))
    network = {"backbones": ["nano"], "size": (64, 96), "num_classes": 3}
    (row,) = predict(["mpvss"], devices=["cpu"], cpu=model, **network)
    key, non_key = (frame.predicted for frame in fitted.frames[:2])
    assert row.fps == pytest.approx(15 / (3 * key + 12 * non_key))
    options = ["--methods", "mpvss", "--backbones", "nano", "--size", "64x96", "--classes", "3"]
    assert main(["cost", "--fps", "cpu", "--fitted", str(file), *options]) == 0
    assert f"~{row.fps:.3g}" in capsys.readouterr().out
    assert main(["compare", str(file), str(file)]) == 2
    assert "holds predictions, which are compared with nothing" in capsys.readouterr().err
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert "holds predictions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fit", "cpu", "--paper"], "--fit measures networks of its own"),
        (["--fps", "t4", "--fitted", "x.json"], "--fitted is of a CPU in float32"),
        (["--fps", "cpu", "--fitted", "x.json", "--precision", "float16"], "--fitted is of a CPU in float32"),
    ],
)
def test_what_the_command_refuses(arguments, message, capsys):
    assert main(["cost", *arguments]) == 2
    assert message in capsys.readouterr().err
