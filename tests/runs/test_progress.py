"""Progress: a bar in a terminal, few plain lines elsewhere."""

import io

import pytest

from bench.runs import progress as module
from bench.runs.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that tests move."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def test_where_there_is_no_terminal_a_line_comes_every_ten_seconds_and_at_the_end(clock):
    stream = io.StringIO()
    with Progress(stream).stage("train", 40, "steps") as stage:
        for _ in range(25):
            clock[0] += 1
            stage.advance()
    # Lines at 10 s and 20 s, and the last at 25 s; 40 steps at one a second leave 30, 20 and 15 s.
    assert stream.getvalue().splitlines() == [
        "train: 10/40 steps, 00:10<00:30",
        "train: 20/40 steps, 00:20<00:20",
        "train: 25/40 steps, 00:25<00:15",
    ]


def test_work_of_an_earlier_run_does_not_make_this_one_look_fast(clock):
    stream = io.StringIO()
    with Progress(stream).stage("frames", 100, "frames") as stage:
        stage.skip(80)
        for _ in range(2):
            clock[0] += 5
            stage.advance(5)
    # 10 frames in 10 s, so the 10 that are left take 10 s more.
    assert stream.getvalue().splitlines() == ["frames: 90/100 frames, 00:10<00:10"]


def test_an_interrupted_stage_of_unknown_length_says_how_far_it_came(clock):
    stream = io.StringIO()
    progress = Progress(stream)

    def work():
        with progress.stage("time", None, "passes") as stage:
            stage.advance(3)
            progress.say("a message")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert stream.getvalue().splitlines() == ["a message", "time: 3 passes, 00:00"]


def test_in_a_terminal_the_bar_stays_below_messages(clock):
    stream = Terminal()
    progress = Progress(stream)
    with progress.stage("train", 4, "steps") as stage:
        for step in range(4):
            clock[0] += 1
            stage.advance()
            progress.say(f"message {step}")
    shown = stream.getvalue()
    assert "message 3\n" in shown
    last = shown.rpartition("\r")[2]
    assert last.startswith("train: 100%")
    assert "4/4" in last
    assert last.endswith("\n")
