"""The tally of trials, the planted slowdown, and the load."""

import json
import os
from pathlib import Path
from time import sleep, thread_time

import made_records
import pytest
import torch

from bench.ab.load import load_on
from bench.ab.planted import Planted
from bench.ab.trials import tally, trials
from bench.runs.record_file import read_record, write_record
from bench.runs.records.trials import Trial, TrialSamples, TrialSetting, TrialsRecord
from mpvss.errors import UserError

SETTING = TrialSetting(slowdown=0.1, load="none", data="made", pairs=5, rounds=2, floor=0.05, alpha=0.01)


def trial(key, non_key):
    samples = {"key": TrialSamples(process=[0], round=[0], frame=[0], seconds=[0.1])}
    verdicts = {"key": key, "non-key": non_key}
    return Trial(date="then", seconds=1.0, load_average=1.0, verdicts=verdicts, details={}, base=samples, new=samples)


def test_the_tally_counts_false_alarms_and_what_was_found():
    found = [trial("SAME", "SLOWER"), trial("FASTER", "SLOWER"), trial("SAME", "FASTER"), trial("UNCLEAR", "UNCLEAR")]
    record = TrialsRecord(setting=SETTING, environment=made_records.ENVIRONMENT, trials=found)
    assert tally(record).startswith("4 comparisons, slowdown 10 %: 2 false alarms, slowdown found in 2;")
    # Without a slowdown, the first is a false alarm as well.
    same = TrialSetting(slowdown=0.0, load="none", data="made", pairs=5, rounds=2, floor=0.05, alpha=0.01)
    record = TrialsRecord(setting=same, environment=made_records.ENVIRONMENT, trials=found)
    assert tally(record).startswith("4 comparisons, slowdown 0 %: 3 false alarms; key ")


def test_trials_of_another_setting_are_not_mixed(tmp_path):
    record = TrialsRecord(setting=SETTING, environment=made_records.ENVIRONMENT, trials=[])
    write_record(tmp_path / "comparison-trials-slower.json", record)
    with pytest.raises(UserError, match="was made with another setting"):
        trials(0.1, 1, tmp_path)


def work(seconds):
    until = thread_time() + seconds
    while thread_time() < until:
        pass


class Working:
    """A method whose frames take 20 ms of the processor, half of it for the label map."""

    num_classes = 2

    def labels(self):
        work(0.01)
        return torch.zeros(1, 1)

    def segment(self, frame):
        return self, None

    def propagate(self, frame, state):
        work(0.01)
        return self, None


@pytest.mark.parametrize(("share", "factor"), [(0.0, 1.0), (0.5, 1.5)])
def test_a_slowed_frame_does_more_work_by_the_share_of_all_of_it(share, factor):
    method = Planted(Working(), share, 2)
    taken = []
    for _ in range(5):
        start = thread_time()
        method.propagate(torch.zeros(3, 1, 1), None)[0].labels()
        taken.append(thread_time() - start)
    assert min(taken) == pytest.approx(0.02 * factor, rel=0.1)
    assert isinstance(method.segment(torch.zeros(3, 1, 1))[0], Working)


def test_a_trial_without_a_kind_of_frame_is_refused(tmp_path):
    record = TrialsRecord(setting=SETTING, environment=made_records.ENVIRONMENT, trials=[trial("SAME", "SLOWER")])
    write_record(tmp_path / "trials.json", record)
    content = json.loads((tmp_path / "trials.json").read_text())
    del content["trials"][0]["verdicts"]["non-key"]
    (tmp_path / "trials.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"trials\.json does not fit: `verdicts` must be of both kinds of frame"):
        read_record(tmp_path / "trials.json", TrialsRecord)


def test_the_load_keeps_a_core_busy_and_ends():
    core = max(os.sched_getaffinity(0))
    with load_on(core) as pid:
        sleep(3)
        user, system = _ticks(pid)
        assert user + system > 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])
