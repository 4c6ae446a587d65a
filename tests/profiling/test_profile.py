"""A real profile of a small method: where its time goes, against counts and arithmetic."""

import csv
import gzip
import json

import pytest
import torch
from torch import nn
from torch.profiler import record_function

from bench.cli.main import main
from bench.data import open_dataset
from bench.measure.count import by_stage as cost_counters
from bench.measure.count.by_stage import FRAME, OURS, count_by_stage
from bench.measure.count.cost_of_method import method_cost
from bench.measure.count.executed import total_macs
from bench.methods import build
from bench.profiling import run
from bench.profiling.attribution import coverage, stage_seconds
from bench.profiling.profile import profile_method
from bench.profiling.tables import operator_rows, stage_rows
from bench.profiling.write import FILES, PROFILE, TRACE_FILE
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.stages import STAGES, stage, watched_by

CPU = torch.device("cpu")
SIZE = (96, 160)
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def pictures(count: int, size: tuple[int, int] = SIZE):
    data = open_dataset(f"generated:clips=1,frames={count},size={size[0]}x{size[1]}")
    return [frame.image for frame in data.clips[0].read()]


@pytest.fixture(scope="module")
def profile():
    model = with_fixed_work(build("mpvss", backbone="nano", num_classes=3))  # for the count of the graph
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxtyping.config.jaxtyping_disable", True)
        return profile_method(model, pictures(6), 3, CPU)


def test_every_moment_belongs_to_a_stage(profile):
    assert [frame.kind for frame in profile.measured] == ["key", "non-key", "non-key"] * 2
    for frame in profile.measured:
        stages = stage_seconds(frame.host)
        assert sum(stages.values()) == pytest.approx(frame.seconds, rel=1e-6)
        assert min(stages.values()) >= 0
    for kind in ("key", "non-key"):
        assert max(coverage(stage_seconds(f.host)) for f in profile.measured if f.kind == kind) > 0.95


def test_stages_and_their_macs_are_those_of_cost(profile, monkeypatch):
    monkeypatch.setattr(cost_counters, "COUNTERS", {OURS: cost_counters.COUNTERS[OURS]})
    rows = stage_rows(profile.measured, profile.counts, profile.ceilings)
    counted = count_by_stage(build("mpvss", backbone="nano", num_classes=3), SIZE)
    for kind in ("key", "non-key"):
        macs = {row["stage"]: row["macs"] for row in rows if row["frame"] == kind}
        assert {stage: macs[stage] for stage in macs if stage in STAGES} == {
            stage: counts[OURS].macs for stage, counts in counted[kind].items() if stage != FRAME
        }
        assert "transfer" in macs
        assert sum(macs.values()) == counted[kind][FRAME][OURS].macs
        assert sum(row["share"] for row in rows if row["frame"] == kind) == pytest.approx(1)


def test_operators_make_up_their_stages(profile):
    stages = stage_rows(profile.measured, profile.counts, profile.ceilings)
    operators = operator_rows(profile.measured, profile.counts, profile.ceilings)
    for row in stages:
        mine = [op for op in operators if (op["frame"], op["stage"]) == (row["frame"], row["stage"])]
        for quantity in ("ms", "calls", "macs", "bytes"):
            assert sum(op[quantity] for op in mine) == pytest.approx(row[quantity]), (row["stage"], quantity)
    # What computes is timed: no product is counted in one place and timed in another.
    assert not [op for op in operators if op["macs"] and not op["ms"]]
    assert all(op["gmacs_per_s"] == pytest.approx(op["macs"] / op["ms"] / 1e6) for op in operators if op["macs"])


def test_a_method_without_key_frames(tmp_path):
    """Its frames are a clip's first, alone, and such as are segmented from the three references they have."""
    report = run.profile("cffm", tmp_path / "cffm", backbone="mit-nano", size=SIZE, num_classes=3, frames=3)
    assert [frame.kind for frame in report.profile.measured] == ["key", "non-key", "non-key"]
    cost = method_cost("cffm", backbone="mit-nano", num_classes=3, size=SIZE)
    macs = {kind: total_macs(executed) for kind, executed in report.profile.counts.items()}
    assert macs == {"key": cost.key_macs, "non-key": cost.non_key_macs}
    assert "A clip's first frame and 2 far from its ends" in report.text
    assert "no key frames" in report.text
    assert "## Frame far from the clip's ends: " in report.text


class Shown:
    def __init__(self, labels):
        self._labels = labels

    def labels(self):
        return self._labels


class Own(nn.Module):
    """A user's method: no stage in a key frame, one of its own in others."""

    num_classes = 2
    numbers = 1 << 20

    def segment(self, frame):
        with record_function("not a stage"):
            big = torch.zeros(self.numbers)
        return Shown((frame[0] + big[0]).to(torch.uint8)), frame

    @stage("guess")
    def guess(self, frame, state):
        return frame[0].float() @ state[0].float().T

    def propagate(self, frame, state):
        return Shown(self.guess(frame, state).to(torch.uint8)), state


def test_users_method_and_its_memory():
    """One stage at least for each kind of frame; the peak is that of the one large tensor."""
    height, width = 64, 96
    profile = profile_method(Own(), pictures(2, (height, width)), 2, CPU)
    key, other = (stage_seconds(frame.host) for frame in profile.measured)
    assert set(key) == {"outside", "transfer", "segment"}
    assert set(other) == {"outside", "transfer", "propagate", "guess"}
    rows = stage_rows(profile.measured, profile.counts, profile.ceilings)
    assert {row["stage"]: row["macs"] for row in rows if row["frame"] == "non-key"}["guess"] == height * width * height
    frame_bytes = 3 * height * width * 4
    assert 4 * Own.numbers <= profile.memory.peak <= 4 * Own.numbers + 3 * frame_bytes
    thinned = profile.memory.thinned(5)
    assert len(thinned.times) <= 5
    assert thinned.peak == profile.memory.peak


def test_unknown_operator_is_named():
    class Transform(Own):
        def segment(self, frame):
            return Shown(torch.fft.fft(frame[0].float()).real.to(torch.uint8)), frame

    with pytest.raises(ValueError, match="operator aten::_fft_r2c is not known"):
        profile_method(Transform(), pictures(1, (64, 96)), 1, CPU)


def test_a_stage_within_another_is_not_seen():
    seen = []

    @stage("inner")
    def inner():
        return 1

    @stage("outer")
    def outer(fail=False):
        assert not fail
        return inner() + 1

    def watch(name, function, args, kwargs):
        seen.append(name)
        return function(*args, **kwargs)

    with watched_by(watch):
        assert outer() == 2
        with pytest.raises(AssertionError):
            outer(fail=True)
        assert inner() == 1
    outer()
    assert seen == ["outer", "outer", "inner"]


ARGUMENTS = ["profile", "mpvss", "--backbone", "nano", "--size", "64x96", "--classes", "3", "--interval", "2"]


def test_command_writes_what_tensorboard_and_people_read(tmp_path, capsys):
    out = tmp_path / "new" / "profile"
    assert main([*ARGUMENTS, "--frames", "2", "--out", str(out)]) == 0
    assert "## Non-key frame: " in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == set(FILES) - {"device_kernels.csv"}
    content = json.loads((out / PROFILE).read_text())
    assert (content["configuration"]["device"], content["configuration"]["size"]) == ("cpu", [64, 96])
    assert content["trace"] == {"file": TRACE_FILE, "bytes": (out / TRACE_FILE).stat().st_size, "dropped": []}
    with (out / "stages.csv").open() as file:
        assert {row["stage"] for row in csv.DictReader(file)} >= set(STAGES)
    check_in_plugin(out / TRACE_FILE, tmp_path)

    limit = 20_000
    assert main([*ARGUMENTS, "--frames", "2", "--max-trace-mb", str(limit / 1e6), "--out", str(out)]) == 0
    content = json.loads((out / PROFILE).read_text())
    assert content["trace"]["dropped"][:2] == ["shapes", "memory events"]
    assert (out / TRACE_FILE).stat().st_size <= limit
    names = {event["name"] for event in json.loads(gzip.decompress((out / TRACE_FILE).read_bytes()))["traceEvents"]}
    assert names >= {*STAGES, "transfer", "key frame", "non-key frame"}
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_command_takes_weights_and_their_classes(tmp_path):
    out = tmp_path / "profile"
    shipped = ["--weights", "shipped", "--size", "64x96", "--frames", "2"]
    assert main(["profile", "optical-flow@fine-tuned", *shipped, "--out", str(out)]) == 0
    setting = json.loads((out / PROFILE).read_text())["configuration"]
    assert setting["num_classes"] == 12
    assert "untrained" not in setting["weights"]
    assert f"Weights: {setting['weights']}." in (out / "profile.md").read_text()


def check_in_plugin(trace, cache):
    """TensorBoard's plugin finds the frames as steps, and the operators."""
    from torch_tb_profiler import consts
    from torch_tb_profiler.profiler.data import RunProfileData
    from torch_tb_profiler.profiler.run_generator import RunGenerator

    worker = consts.WORKER_PATTERN.match(trace.name)
    assert worker is not None
    data = RunProfileData.parse(worker[1], worker[2], str(trace), str(cache))
    assert len(data.steps_names) == 2
    run = RunGenerator(worker[1], worker[2], data).generate_run_profile()
    names = {row["name"] for row in run.operation_table_by_name["data"]}
    assert {"aten::convolution", "aten::grid_sampler_2d", "aten::embedding_bag"} <= names
    assert consts.MEMORY_VIEW in run.views


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (["--frames", "0"], "frames is 0; it must be 1 or more"),
        (["--max-trace-mb", "0"], "the trace's limit is 0 MB"),
        (["--classes", "0"], "the number of classes is 0"),
        (["--interval", "0"], "interval is 0"),
        (["--backbone", "r5"], "unknown backbone 'r5'"),
        (["--weights", "/nowhere.pth"], "/nowhere.pth is not a file"),
        (["--weights", "shipped"], "no weights are shipped for nano/mpvss"),
    ],
)
def test_bad_input_is_refused(tmp_path, capsys, changed, complaint):
    assert main([*ARGUMENTS, *changed, "--out", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_folder_with_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.tex").touch()
    assert main([*ARGUMENTS, "--out", str(tmp_path)]) == 2
    assert "thesis.tex" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
