"""The gate: what it catches, what it lets pass, and what it refuses to judge."""

import re

import made_records
import numpy as np
import pytest
from msgspec import structs

from bench.cli.main import main
from bench.compare import NotComparableError, compare
from bench.runs.records.run import Start
from bench.runs.write import open_run

CALLS = {"aten::add": 3, "aten::mm": 7}


def record(times, *, macs=1000, parameters=10, miou=0.5, errors=None, memory=10**8, calls=CALLS, processes=5, **timing):
    count = len(times)
    samples = {
        "round": [0] * count,
        "frame": list(range(count)),
        "key": [False] * count,
        "seconds": list(times),
        "process": [index * processes // count for index in range(count)],
    }
    return {
        "weights": "untrained",
        "errors": errors or {},
        "tracebacks": {},
        "accuracy": {"miou": miou, "labelled_frames": 5},
        "clips": None,
        "cost": {"parameters": parameters, "key_macs": 5000, "non_key_macs": macs, "mean_macs": 1800.0},
        "timing": {
            "fps_labels": 1.0,
            "samples": {"labels": samples},
            "warmup": {"labels": {**samples, "seconds": [9.0] * count}},
            **timing,
        },
        "memory": {"host_peak_bytes": memory, "device_peak_bytes": None},
        "operators": {"non-key": calls},
    }


def make_run(path, content, configuration=None):
    asked = made_records.asked(["mpvss"], ["nano"], [5])
    run = open_run(path, made_records.configuration(**(configuration or {})), asked, made_records.START)
    run.save(made_records.cell_record("nano", "mpvss", 5, **content))
    return path


def noisy(rng, seconds, count=30):
    """Times as a machine gives them: a floor, and a tail above it."""
    return list(seconds * (1 + rng.lognormal(-4, 0.8, count)))


def verdicts(findings):
    return {finding.quantity: finding.verdict for finding in findings}


class TestRuns:
    TIMES = tuple(noisy(np.random.default_rng(3), 0.01))

    def compare(self, tmp_path, new, base=None):
        make_run(tmp_path / "base", base or record(self.TIMES))
        make_run(tmp_path / "new", new)
        return compare(tmp_path / "base", tmp_path / "new").findings

    def test_a_run_against_its_like_has_no_regression(self, tmp_path):
        found = self.compare(tmp_path, record(self.TIMES))
        assert set(verdicts(found).values()) == {"SAME"}
        assert {"time of non-key frames, labels (ms)", "non_key_macs"} <= set(verdicts(found))

    @pytest.mark.parametrize(
        ("change", "quantity", "verdict"),
        [
            ({"macs": 1001}, "non_key_macs", "WORSE"),
            ({"macs": 999}, "non_key_macs", "BETTER"),
            ({"parameters": 9}, "parameters", "WORSE"),
            ({"miou": 0.4994}, "miou at interval 5", "WORSE"),
            ({"miou": 0.4996}, "miou at interval 5", "SAME"),
            ({"memory": 12 * 10**7}, "host_peak_bytes", "WORSE"),
            ({"errors": {"cost": "no"}}, "interval 5", "BROKEN"),
            ({"calls": {"aten::add": 4, "aten::mm": 7}}, "operators of non-key frames", "WORSE"),
            ({"calls": {"aten::add": 3, "aten::bmm": 7}}, "operators of non-key frames", "WORSE"),
            ({"calls": {"aten::mm": 7}}, "operators of non-key frames", "BETTER"),
        ],
    )
    def test_a_planted_change_of_a_count_is_found_alone(self, tmp_path, change, quantity, verdict):
        found = verdicts(self.compare(tmp_path, record(self.TIMES, **change)))
        assert found.pop(quantity) == verdict
        assert set(found.values()) == {"SAME"}

    def test_a_planted_slowdown_is_found_and_warm_up_is_not_counted(self, tmp_path):
        (finding,) = [
            f
            for f in self.compare(tmp_path, record([1.2 * time for time in self.TIMES]))
            if f.quantity.startswith("time")
        ]
        assert finding.verdict == "SLOWER"
        assert finding.is_regression
        assert finding.new / finding.base == pytest.approx(1.2)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"processes": 1}, "5 and 1 processes a side, and a verdict takes 5"),
            ({"processes": 4}, "5 and 4 processes a side, and a verdict takes 5"),
            ({"warmup_stable": False}, "new had not settled when its times were taken"),
            ({"stopped": "time limit"}, "new was stopped by its time limit, less precise than asked"),
        ],
    )
    def test_times_that_are_no_ground_for_a_verdict_are_unclear_and_say_why(self, tmp_path, change, reason):
        for factor in (1.0, 2.0):
            (tmp_path / str(factor)).mkdir()
            found = self.compare(tmp_path / str(factor), record([factor * time for time in self.TIMES], **change))
            (finding,) = [f for f in found if f.quantity.startswith("time")]
            assert finding.verdict == "UNCLEAR"
            assert finding.detail.endswith(reason)

    def test_a_frame_that_is_slow_in_every_round_counts_as_much_as_another(self, tmp_path):
        """Two frames of 1 and 3 s in four rounds, once each disturbed: their medians are 1 and 3, so the time is 2."""
        rounds = [0, 1, 2, 3] * 2
        columns = {
            "round": rounds * 5,
            "frame": [0, 0, 0, 0, 1, 1, 1, 1] * 5,
            "key": [False] * 40,
            "seconds": [9.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 9.0] * 5,
            "process": [index // 8 for index in range(40)],
        }
        run = record(self.TIMES)
        run["timing"]["samples"]["labels"] = columns
        (finding,) = [f for f in self.compare(tmp_path, run, run) if f.quantity.startswith("time")]
        assert (finding.base, finding.new, finding.verdict) == (pytest.approx(2000), pytest.approx(2000), "SAME")

    def test_a_run_that_names_no_process_is_one_process(self, tmp_path):
        older = record([2 * time for time in self.TIMES])
        del older["timing"]["samples"]["labels"]["process"]
        (finding,) = [f for f in self.compare(tmp_path, older) if f.quantity.startswith("time")]
        assert finding.verdict == "UNCLEAR"
        assert "5 and 1 processes" in finding.detail

    def test_processes_that_took_turns_are_compared_in_pairs(self, tmp_path):
        drifting = [time * 1.3 ** (index // 6) for index, time in enumerate(self.TIMES)]
        new = [1.1 * time for time in drifting]
        found = {}
        for name, sittings in (("in turn", ("a", "a")), ("apart", ("a", "b")), ("unknown", (None, None))):
            folder = tmp_path / name
            folder.mkdir()
            base, late = (record(times, sitting=s) for times, s in zip((drifting, new), sittings, strict=True))
            (finding,) = [f for f in self.compare(folder, late, base) if f.quantity.startswith("time")]
            found[name] = finding.verdict
        assert found == {"in turn": "SLOWER", "apart": "UNCLEAR", "unknown": "UNCLEAR"}

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("data", "another clip", "data: 'clip' against 'another clip'"),
            ("device", "H200", "device: 'cpu' against 'H200'"),
            ("cpu", "another", "cpu: 'some' against 'another'"),
            ("threads", 2, "threads: 1 against 2"),
            ("amp", "bfloat16", "amp: None against 'bfloat16'"),
            ("weights", {"nano": "b"}, "weights: {'nano': 'a'} against {'nano': 'b'}"),
        ],
    )
    def test_runs_that_differ_are_refused_with_the_reason(self, tmp_path, key, value, words):
        same = {"data": "clip", "device": "cpu", "cpu": "some", "threads": 1, "amp": None, "weights": {"nano": "a"}}
        make_run(tmp_path / "base", record(self.TIMES), same)
        make_run(tmp_path / "new", record(self.TIMES), {**same, key: value})
        with pytest.raises(NotComparableError, match=re.escape(words)):
            compare(tmp_path / "base", tmp_path / "new")

    def test_other_weights_and_another_number_of_rounds_do_not_change_what_a_time_means(self, tmp_path):
        for name, configuration in (
            ("base", {"weights": {"nano": "a"}, "repeats": 3}),
            ("new", {"weights": {"nano": "b"}, "repeats": 9}),
        ):
            make_run(tmp_path / name, {**record(self.TIMES), "accuracy": None}, configuration)
        assert set(verdicts(compare(tmp_path / "base", tmp_path / "new").findings).values()) == {"SAME"}

    def test_times_or_counts_can_be_left_out(self, tmp_path):
        make_run(tmp_path / "base", record(self.TIMES))
        make_run(tmp_path / "new", record([2 * time for time in self.TIMES], macs=2000))
        runs = tmp_path / "base", tmp_path / "new"
        assert [f.verdict for f in compare(*runs, times_only=True).findings] == ["SLOWER"]
        assert "SLOWER" not in verdicts(compare(*runs, counts_only=True).findings).values()
        with pytest.raises(ValueError, match="choose one"):
            compare(*runs, times_only=True, counts_only=True)

    def test_a_changed_operator_is_named(self, tmp_path):
        found = self.compare(tmp_path, record(self.TIMES, calls={"aten::add": 3, "aten::bmm": 1, "aten::mm": 7}))
        (finding,) = [f for f in found if f.is_regression]
        assert (finding.base, finding.new, finding.detail) == (10, 11, "aten::bmm 0 → 1")

    def test_a_cell_that_was_asked_for_and_is_not_there_is_broken_and_others_are_remarked(self, tmp_path):
        for name in ("base", "new"):
            make_run(tmp_path / name, record(self.TIMES))
        asked, same = made_records.asked(["copy"], ["nano"], [5]), made_records.configuration()
        copied = made_records.cell_record("nano", "copy", 5, **record(self.TIMES))
        open_run(tmp_path / "base", same, asked, made_records.START).save(copied)
        comparison = compare(tmp_path / "base", tmp_path / "new")
        assert not comparison.is_regression
        assert comparison.remarks == [f"1 cell of {tmp_path / 'base'} alone"]
        later = structs.replace(made_records.ENVIRONMENT, libraries={"torch": "9"})
        open_run(tmp_path / "new", same, asked, Start(command="", environment=later))
        comparison = compare(tmp_path / "base", tmp_path / "new")
        assert comparison.is_regression
        (finding,) = [f for f in comparison.findings if f.is_regression]
        assert (finding.method, finding.verdict, finding.detail) == ("copy", "BROKEN", "asked for, and not measured")
        assert "torch: 2 → 9" in comparison.remarks
        assert comparison.remarks[-1] in comparison.text()

    def test_times_of_a_throttled_card_are_not_judged(self, tmp_path):
        hot = record(self.TIMES)
        count = len(self.TIMES)
        hot["timing"]["samples"]["labels"]["throttled"] = [True] * 10 + [False] * (count - 10)
        make_run(tmp_path / "base", record(self.TIMES))
        make_run(tmp_path / "new", hot)
        with pytest.raises(NotComparableError, match=r"slowed down around 17 % of the frames of .*new"):
            compare(tmp_path / "base", tmp_path / "new")
        assert compare(tmp_path / "base", tmp_path / "new", counts_only=True).findings


class TestCommand:
    def test_exit_statuses(self, tmp_path, capsys):
        base = str(make_run(tmp_path / "base", record(TestRuns.TIMES)))
        worse = str(make_run(tmp_path / "worse", record(TestRuns.TIMES, macs=2000)))
        other = str(make_run(tmp_path / "non-key", record(TestRuns.TIMES), {"data": "another clip"}))
        assert main(["compare", base, base]) == 0
        assert main(["compare", base, worse, "--markdown", str(tmp_path / "summary.md")]) == 1
        out = capsys.readouterr().out
        row = ["WORSE", "nano", "mpvss", "non_key_macs", "1,000", "2,000", "+100 %"]
        assert row in [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines()]
        assert (tmp_path / "summary.md").read_text() in out
        slower = str(make_run(tmp_path / "slower", record([2 * time for time in TestRuns.TIMES])))
        assert main(["compare", base, slower]) == 1
        assert main(["compare", base, slower, "--counts-only"]) == 0
        assert main(["compare", base, other]) == 3
        assert main(["compare", base, str(tmp_path / "nowhere")]) == 2
        assert main(["compare", base, base, "--floor", "-1"]) == 2
        assert main(["compare", base, base, "--markdown", str(tmp_path / "nowhere" / "summary.md")]) == 2
        for wrong in ([], ["--floor", "wide"], [base, "--bogus"]):
            with pytest.raises(SystemExit, match="2"):
                main(["compare", base, *wrong])
