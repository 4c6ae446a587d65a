"""A clip's table is what running the method alone gives; the command writes cells, resumes and is reported."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_fakes import NUM_CLASSES, Network, Wandering, small_data

from bench.adaptive.build import clip_table
from bench.adaptive.play import MethodCost, play
from bench.adaptive.rules import Every
from bench.adaptive.signals import FrameDifference
from bench.cli.main import main
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from bench.evaluate.scorers import ClipScorer
from bench.report.against_fixed import against_fixed
from bench.report.study import read_study
from bench.runs.records.schedules import FIXED, ScheduleCell

CPU = torch.device("cpu")
TINY = ("--data", "synthetic:clips=2,frames=6,size=64x96", "--weights", "shipped", "--threads", "1", "--longest", "4")


def test_a_fixed_interval_gives_what_a_sweep_does():
    clip = small_data(clips=1, frames=12).clips[0]
    memo = Memo()
    method = Wandering(Network(memo))
    table = clip_table(
        method, clip, {"difference": FrameDifference()}, longest=5, num_classes=NUM_CLASSES, device=CPU, memo=memo
    )
    cells = [Cell("a", interval) for interval in (1, 2, 3, 5)]
    lockstep, scorer = Lockstep({"a": Wandering(Network())}, cells, Memo()), ClipScorer(cells, NUM_CLASSES)
    frames = list(clip.frames())
    for frame in frames:
        scorer.update(frame.labels, lockstep.step(torch.from_numpy(frame.image)))
    for cell, score in scorer.end(()).items():
        played = play(Every(cell.interval), table, MethodCost(1, 1), 5)
        np.testing.assert_array_equal(played.counts, score.counts()[0])
    later = np.abs(frames[4].image.astype(float) - frames[1].image).mean()
    assert table.signals["difference"][1, 4] == pytest.approx(later, rel=1e-5)
    assert np.isnan(table.signals["difference"][0, 5])  # five frames from its key frame, which none is
    assert (table.signals["random"][:3, 4] == table.signals["random"][0, 4]).all()


def test_the_command_writes_cells_resumes_and_is_reported(tmp_path, capsys):
    out = tmp_path / "schedules"
    chosen = "confidence,budget:difference,random,oracle"
    command = ["schedules", *TINY, "--intervals", "2", "--schedules", chosen, "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "| budget:difference |" in printed.replace("  ", "")
    (found,) = read_study([out]).schedules
    by_key = {(cell.schedule, cell.interval): cell for cell in found.cells}
    assert {interval for name, interval in by_key if name == FIXED} == {1, 2, 3, 4}
    assert by_key[FIXED, 2].key_frames == 6
    assert by_key[FIXED, 2].schedule_macs == 0
    assert by_key["confidence", 2].schedule_macs > 0
    assert by_key["budget:difference", 2].looks_ahead == 1
    assert all(cell.frames == 12 for cell in found.cells)
    # The floor and the ceiling cost nothing to decide.
    assert by_key["oracle", 2].schedule_macs == by_key["random", 2].schedule_macs == 0
    tables = sorted(out.glob("tables/*/*.npz"))
    cells = sorted((out / "cells").iterdir())
    before = [file.stat().st_mtime_ns for file in (*tables, *cells)]
    assert len(tables) == 2
    assert main([*command, "--intervals", "2,3"]) == 0  # later options override earlier
    assert len(list((out / "cells").iterdir())) == len(cells) + 4
    assert [file.stat().st_mtime_ns for file in (*tables, *cells)] == before
    assert main(["report", str(out), "--out", str(tmp_path / "report"), "--formats", "md,svg"]) == 0
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Key-frame schedules: schedules" in report
    assert (tmp_path / "report" / "figures" / "schedules.svg").exists()
    assert main([*command, "--seed", "3"]) == 2
    assert "seed: 0 there, 3 now" in capsys.readouterr().err


def made(schedule: str, interval: int, macs: float, hits: int) -> ScheduleCell:
    """Four clips of one class and 100 pixels, `hits` of them right and the others taken for another class."""
    clip = {"classes": [0, 1], "truth": [100, 0], "intersection": [[hits, 0]], "predicted": [[hits, 100 - hits]]}
    return ScheduleCell(
        **{"backbone": "b", "method": "m", "schedule": schedule, "interval": interval, "weights": "w"},
        accuracy={"miou": hits / 100, "labelled_frames": 4},
        clips=[{"name": str(number), **clip} for number in range(4)],
        **{"frames": 4, "key_frames": 1, "mean_macs": macs, "schedule_macs": 0.0},
    )


def converted(*cells):
    import msgspec

    return [msgspec.convert(msgspec.to_builtins(cell), ScheduleCell) for cell in cells]


def test_a_schedule_is_held_against_the_fixed_interval_at_its_cost():
    fixed = [made(FIXED, 1, 100.0, 90), made(FIXED, 2, 60.0, 70), made(FIXED, 3, 60.0, 10)]
    between, dear, cheap = made("flow", 2, 80.0, 85), made("flow", 1, 120.0, 85), made("flow", 3, 50.0, 85)
    cells = converted(*fixed, between, dear, cheap)
    beside = [against_fixed(cell, cells, 2) for cell in cells[3:]]
    # Half way between 70 % and 90 %; clips are alike, so that the interval has no width.
    assert beside[0].fixed == pytest.approx(0.80)
    assert beside[0].difference is not None
    assert [getattr(beside[0].difference, side) for side in ("low", "estimate", "high")] == pytest.approx([0.05] * 3)
    assert beside[0].verdict == "better"
    # Dearer than every frame a key frame: held against that.
    assert beside[1].fixed == pytest.approx(0.90)
    assert beside[1].verdict == "worse"
    assert beside[2].verdict == "no equal cost"
