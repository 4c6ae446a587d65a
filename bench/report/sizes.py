"""Runs that differ in the size of their frames alone: how time grows with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import structs

from bench.report.rows import Row, is_there
from bench.report.run import StudyRun
from bench.runs.records.run import Configuration

_SIZE = re.compile(r"[ ,:]size=\d+x\d+")


def runs_by_size(runs: Sequence[StudyRun]) -> list[list[StudyRun]]:
    """Groups of two or more timed runs of one configuration but for the frame size, each from small to large."""
    groups: dict[str, dict[int, StudyRun]] = {}
    for run in runs:
        pixels = pixels_of(run)
        if pixels is not None:
            groups.setdefault(repr(without_size(run.about.configuration)), {})[pixels] = run
    return [[run for _, run in sorted(group.items())] for group in groups.values() if len(group) > 1]


def pixels_of(run: StudyRun) -> int | None:
    """Pixels of a run's timed frames; None where nothing was timed or the run does not say."""
    return next((_pixels(row) for row in run.latency if is_there(row, "height")), None)


def size_of(run: StudyRun) -> str:
    """HEIGHTxWIDTH of a run's timed frames."""
    row = next(row for row in run.latency if is_there(row, "height"))
    return f"{int(row['height'])}x{int(row['width'])}"


def series_of(group: Sequence[StudyRun]) -> dict[tuple[str, str, str, str], dict[int, Row]]:
    """The rows of each backbone, method, scope and kind of frame, by the pixels of their frames."""
    series: dict[tuple[str, str, str, str], dict[int, Row]] = {}
    for run in group:
        for row in run.latency:
            key = (row["backbone"], row["method"], row["scope"], row["kind"])
            series.setdefault(key, {})[_pixels(row)] = row
    return series


def _pixels(row: Row) -> int:
    return int(row["height"]) * int(row["width"])


def without_size(configuration: Configuration) -> Configuration:
    """A run's configuration without the frame size in its data's name."""
    return structs.replace(configuration, data=_SIZE.sub("", configuration.data))
