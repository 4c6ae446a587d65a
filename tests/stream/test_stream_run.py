"""What a stream shows is what running the method alone gives; the command writes cells, resumes and is reported."""

from __future__ import annotations

import made_records
import numpy as np
import torch
from harness_fakes import NUM_CLASSES, Network, Wandering, as_frames, small_data

from bench.cli.main import main
from bench.data import open_dataset
from bench.methods.shipped import shipped_identity
from bench.metrics import confusion_matrix
from bench.report.study import read_study
from bench.runs.write import open_run
from bench.stream.clip import score_clip
from bench.stream.events import Durations, replay

CPU = torch.device("cpu")
DATA = small_data(clips=1, frames=18)


def by_hand(replayed):
    """Run every step of a replay as it says, and score what is on show."""
    method, frames = Wandering(Network()), as_frames(DATA)
    results = []
    for step in replayed.steps:
        before = None if step.parent is None else results[step.parent][1]
        image = frames[step.frame]
        prediction, state = method.segment(image) if before is None else method.propagate(image, before)
        results.append((prediction.labels().numpy(), state))
    counts = np.zeros((NUM_CLASSES, 3), np.int64)
    for frame, step in zip(DATA.clips[0].frames(), replayed.shown, strict=True):
        if step is None:
            counts[:, 1] += np.bincount(frame.labels.ravel(), minlength=NUM_CLASSES)
        else:
            confusion = confusion_matrix(frame.labels, results[step][0], NUM_CLASSES)
            counts += np.stack((confusion.diagonal(), confusion.sum(1), confusion.sum(0)), axis=-1)
    return counts


def test_every_way_to_wait_is_scored_as_it_is_shown():
    durations = Durations(key=(0.13, 0.11), non_key=(0.05, 0.02, 0.03))
    replays = {
        (interval, waiting, keys): replay(18, 20.0, interval, durations, waiting=waiting, keys=keys)
        for interval in (2, 5)
        for waiting in ("drop", "queue")
        for keys in ("sync", "background")
    }
    method = Wandering(Network())
    found, labelled = score_clip(method, DATA.clips[0], replays, NUM_CLASSES, CPU)
    assert labelled == 18
    for name, replayed in replays.items():
        np.testing.assert_array_equal(found[name], by_hand(replayed), err_msg=str(name))
    # Shared by all of them: no frame is segmented twice.
    assert method.calls["segment"] <= 18


def test_a_method_that_hands_back_its_state_is_run_once_for_each_key_frame_and_frame():
    replays = {
        interval: replay(18, 1.0, interval, Durations((0.1,), (0.1,)), waiting="queue", keys="sync")
        for interval in (3, 6, 9)
    }

    class Still(Wandering):
        def propagate(self, frame, state):
            return super().propagate(frame, state)[0], state

    method = Still(Network())
    score_clip(method, DATA.clips[0], replays, NUM_CLASSES, CPU)
    # The last frame of the clip is never on show.
    pairs = {(t - t % i, t) for i in replays for t in range(17) if t % i}
    assert method.calls["propagate"] == len(pairs)


def test_a_clip_in_which_nothing_is_ever_finished_is_wrong_everywhere():
    never = replay(18, 30.0, 1, Durations((99.0,), ()), waiting="drop", keys="sync")
    method = Wandering(Network())
    found, _ = score_clip(method, DATA.clips[0], {"never": never}, NUM_CLASSES, CPU)
    assert method.calls["segment"] == 0
    assert found["never"][:, 1].sum() == 18 * 32 * 32
    assert found["never"][:, [0, 2]].sum() == 0


def timed_run(path):
    """A run of planted times: 0.1 s for a key frame, half of it for a non-key frame."""
    data = "synthetic:split=test,clips=2,frames=5,size=64x96,seed=0"
    weights = {"shipped": shipped_identity()}
    configuration = made_records.configuration(open_dataset(data).class_names, data=data, weights=weights)
    keys = (("per-frame", 1), ("mpvss", 3))
    run = open_run(path, configuration, made_records.asked(["per-frame", "mpvss"], ["micro"], [3]), made_records.START)
    for method, interval in keys:
        frames = [0, 1] if interval > 1 else [0]
        columns = {"round": [0] * len(frames), "frame": frames, "key": [i == 0 for i in frames]}
        columns["seconds"] = [0.1, 0.05][: len(frames)]
        timing = {"samples": {"labels": columns}, "warmup": {}, "height": 64, "width": 96}
        run.save(made_records.cell_record("micro", method, interval, timing=timing))
    return path


def test_the_command_writes_cells_resumes_and_is_reported(tmp_path, capsys):
    timed, out = timed_run(tmp_path / "timed"), tmp_path / "stream"
    given = ["--weights", "shipped"]
    command = ["stream", str(timed), "--rates", "15,1e-3", "--weights", "shipped", "--threads", "1", "--out", str(out)]
    assert main(command) == 0
    assert "1e-3" not in capsys.readouterr().out
    (found,) = read_study([out]).streams
    # Per-frame: sync alone; MPVSS: both kinds of key frames; each dropping and queueing, at two rates.
    assert len(found.cells) == 2 * 2 * (1 + 2)
    for cell in found.cells:
        if cell.rate == 0.001:  # nothing is slow then: each frame's map is on show at the next frame's time
            assert (cell.without_result, cell.mean_age, cell.taken) == (2, 1.0, 10)
            assert cell.accuracy.miou < cell.offline_miou
    before = [file.stat().st_mtime_ns for file in sorted((out / "cells").iterdir())]
    assert main(command) == 0
    assert [file.stat().st_mtime_ns for file in sorted((out / "cells").iterdir())] == before
    assert main(["report", str(out), "--out", str(tmp_path / "report"), "--formats", "md,svg"]) == 0
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Streaming accuracy: stream" in report
    assert "Streaming accuracy less per-frame's: stream" in report
    assert (tmp_path / "report" / "figures" / "stream.svg").exists()
    capsys.readouterr()
    for more, words in (
        (["--weights", ""], "give the same, so that accuracy and speed are of the same"),
        (["--rates", "0"], "rate is 0 Hz"),
        (["--methods", "dff"], "has no times of method 'dff'"),
        (["--waiting", "hope"], "unknown way to wait 'hope'; known are drop, queue"),
        (["--scope", "model"], "has no time in scope model"),
        (["--data", "synthetic:clips=1,frames=3,size=32x32"], "frames of 64x96 were timed"),
        (["--out", str(timed)], "is not a folder of this command"),
    ):
        asked = [*command, *more] if more != ["--weights", ""] else [a for a in command if a not in given]
        assert main(asked) == 2, more
        assert words in capsys.readouterr().err
