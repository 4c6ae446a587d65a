"""The run of a card on small networks: what is measured, what a second start does, and what fails alone."""

from __future__ import annotations

import io

import pytest
import torch

from bench.card import measuring, prediction, run
from bench.card.models import model_of, moving_picture
from bench.card.rows import TableRow
from bench.card.run import card
from bench.cli.main import main
from bench.measure.predict.fit import EXPECTED
from bench.runs.card_folder import read_card
from bench.runs.progress import Progress
from mpvss.errors import UserError

ROWS = [
    TableRow("1", "Mask2Former", "R50", "per-frame", "nano"),
    TableRow("1", "MPVSS", "R50", "mpvss", "nano"),
    TableRow("2", "Mask2Former-DFF", "R101", "dff", "nano"),
    TableRow("2", "CFFM-VSS", "MiT-B0", "cffm", "mit-nano"),
]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Rows of the smallest network; a prediction from rates that need no fit of the paper's speeds."""
    monkeypatch.setattr(run, "table_rows", lambda: ROWS)
    monkeypatch.setattr(prediction, "published_rates", lambda: EXPECTED)
    monkeypatch.setattr(prediction, "FITTED_BACKBONES", ("nano",))


def measured(folder, *, parts, **more):
    said = io.StringIO()
    outcome = card(
        folder,
        device="cpu",
        parts=parts,
        backbones=("nano",),
        size=(64, 96),
        threads=1,
        progress=Progress(said),
        **more,
    )
    return outcome, said.getvalue()


def test_every_part_of_a_small_card(tmp_path):
    outcome, _ = measured(tmp_path / "card", parts=("labels", "fps", "profile", "prediction"))
    assert outcome.failed == ()
    found = read_card(tmp_path / "card")
    assert found.about.configuration.rounds == 1
    labels = {cell.method: cell.labels for cell in found.good("labels")}
    assert {"per-frame", "copy", "optical-flow", "mpvss", "dff", "accel"} <= labels.keys()
    for frames in labels.values():
        assert [frame.frame for frame in frames] == ["key", "non-key"]
        assert all(frame.agreement == 1 and frame.classes > 2 and frame.pixels == 64 * 96 for frame in frames)
    speeds = {cell.paper_method: cell for cell in found.good("fps")}
    assert {name: cell.num_classes for name, cell in speeds.items()} == {
        "Mask2Former": 124,
        "MPVSS": 124,
        "Mask2Former-DFF": 19,
        "CFFM-VSS": 19,
    }
    for name, cell in speeds.items():
        kinds = {kind.kind: kind for kind in cell.timing.kinds}
        counts = {"key": 15} if name in ("Mask2Former", "CFFM-VSS") else {"key": 3, "non-key": 12}
        assert {kind: times.samples for kind, times in kinds.items()} == counts
        total = sum(counts[kind] * times.mean_ms for kind, times in kinds.items())
        assert cell.timing.fps_model == pytest.approx(1000 * 15 / total)
        assert cell.memory.host_peak_bytes > 0
    (profile,) = found.good("profile")
    assert (tmp_path / "card" / profile.written / "profile.json").exists()
    assert {frame.frame for frame in profile.profile} == {"key", "non-key"}
    assert sum(profile.profile[0].stage_ms.values()) <= 1.05 * profile.profile[0].ms
    (predicted,) = found.good("prediction")
    assert predicted.prediction.device == "cpu"
    assert {speed.method: speed.measured_fps for speed in predicted.prediction.speeds} == {
        name: cell.timing.fps_model for name, cell in speeds.items()
    }
    assert (tmp_path / "card" / "summary.md").read_text() == outcome.text


def test_a_second_start_measures_what_is_missing_and_what_failed(tmp_path, monkeypatch):
    calls = []
    real = measuring.speed

    def counted(segmenter, method, *args, **kwargs):
        calls.append(method)
        if method == "mpvss" and len(calls) < 5:
            raise RuntimeError("out of memory")
        return real(segmenter, method, *args, **kwargs)

    monkeypatch.setattr(measuring, "speed", counted)
    outcome, said = measured(tmp_path / "card", parts=("fps",))
    assert calls == ["per-frame", "mpvss", "dff", "cffm"]
    assert outcome.failed == ("fps table-1--MPVSS--R50",)
    assert "failed: RuntimeError: out of memory" in said
    cells = {cell.paper_method: cell for cell in read_card(tmp_path / "card").cells}
    assert "in counted" in cells["MPVSS"].traceback
    assert cells["Mask2Former-DFF"].error is None
    (tmp_path / "card" / "cells" / cells["Mask2Former-DFF"].file_name).unlink()
    outcome, _ = measured(tmp_path / "card", parts=("fps",))
    assert calls[4:] == ["dff", "mpvss"]  # first what is missing, then what failed
    assert outcome.failed == ()
    measured(tmp_path / "card", parts=("fps",))
    assert len(calls) == 6
    starts = {cell.paper_method: cell.start for cell in read_card(tmp_path / "card").cells}
    assert starts == {"Mask2Former": 0, "MPVSS": 1, "Mask2Former-DFF": 1, "CFFM-VSS": 0}


def test_a_part_that_lacks_its_package_fails_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "check_needs", lambda parts, device: {"profile": ("matplotlib",)})
    outcome, _ = measured(tmp_path / "card", parts=("fps", "profile"), rows=["MPVSS"])
    assert outcome.failed == ("profile mpvss--nano",)
    (cell,) = [cell for cell in read_card(tmp_path / "card").cells if cell.part == "profile"]
    assert cell.error == "UserError: matplotlib is not installed, which the part profile needs"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": ("speed",)}, "unknown part 'speed'"),
        ({"parts": ("fps",), "rows": ["SegNet"]}, "unknown row 'SegNet'; known are Mask2Former, MPVSS"),
        ({"parts": ("fps",), "rounds": 0}, "the number of rounds is 0"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        measured(tmp_path / "card", **arguments)
    assert not (tmp_path / "card").exists()


def test_the_command(tmp_path, capsys):
    out = tmp_path / "card"
    options = ["--parts", "fps", "--rows", "MPVSS", "--size", "64x96", "--device", "cpu", "--out", str(out)]
    assert main(["card", *options]) == 0
    assert "Speed on cpu, measured" in capsys.readouterr().out
    if not torch.cuda.is_available():
        assert main(["card", "--out", str(tmp_path / "none")]) == 2
        assert "no CUDA device is available" in capsys.readouterr().err


@pytest.mark.parametrize(("method", "backbone"), [("mpvss", "nano"), ("accel", "nano"), ("per-frame", "segformer-b0")])
def test_random_weights_give_many_classes_and_follow_from_the_seed(method, backbone):
    cpu = torch.device("cpu")
    frames = moving_picture((96, 160), 2, seed=0, device=cpu)
    assert torch.equal(frames[0][:, 2:, 3:], frames[1][:, :-2, :-3])  # the camera moves by whole pixels
    maps = []
    for seed in (0, 0, 1):
        model = model_of(method, backbone, 20, seed=seed, device=cpu)
        with torch.inference_mode():
            prediction, state = model.segment(frames[0])
            maps.append((prediction.labels(), model.propagate(frames[1], state)[0].labels()))
    assert all(labels.unique().numel() >= 3 for labels in (*maps[0], *maps[2]))
    assert all(map(torch.equal, maps[0], maps[1]))
    assert not torch.equal(maps[0][0], maps[2][0])
