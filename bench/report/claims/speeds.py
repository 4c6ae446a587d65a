"""Whether the paper's speeds agree with each other, by arithmetic over its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.report.published import PaperFigure
from bench.report.tables.sheet import Entry, Header, Sheet

INTERVAL = 5
"""Frames from one key frame to the next in the paper's tables."""


@dataclass(frozen=True)
class SolvedFrame:
    """What the two printed speeds of a backbone say of key and non-key frames, in ms."""

    table: str
    backbone: str
    key_ms: float
    non_key_ms: float


def solved_frames(printed: Mapping[PaperFigure, float]) -> list[SolvedFrame]:
    """Times of key and non-key frames, solved out of each pair of printed speeds.

    Mask2Former's speed gives a key frame's time, and MPVSS's the mean of one key frame and four non-key frames.
    """
    frames = []
    for figure, fps in printed.items():
        mpvss = figure._replace(method="MPVSS")
        if (figure.method, figure.metric) == ("Mask2Former", "FPS") and mpvss in printed:
            key, mean = 1000 / fps, 1000 / printed[mpvss]
            non_key = (INTERVAL * mean - key) / (INTERVAL - 1)
            frames.append(SolvedFrame(figure.table, figure.backbone, key, non_key))
    return frames


def speeds_sheet(frames: Sequence[SolvedFrame]) -> Sheet:
    """The solved times as a table; a note says how far those of non-key frames lie apart."""
    rows = tuple(
        (
            Entry(f"Table {frame.table}"),
            Entry(frame.backbone),
            Entry(f"{frame.key_ms:.1f}", frame.key_ms),
            Entry(f"{frame.non_key_ms:.1f}", frame.non_key_ms),
        )
        for frame in frames
    )
    spreads = []
    for table, of_table in groupby(frames, key=lambda frame: frame.table):
        times = [frame.non_key_ms for frame in of_table]
        spreads.append(f"{min(times):.1f} to {max(times):.1f} ms in Table {table}")
    return Sheet(
        name="solved-speeds",
        title="Whether the paper's FPS agree with each other: times of frames, solved out of each pair",
        headers=(
            Header("Where", number=False),
            Header("Backbone", number=False),
            Header("Key frame (ms)"),
            Header("Non-key frame (ms)"),
        ),
        rows=rows,
        notes=(
            f"Mask2Former's FPS gives a key frame's time, MPVSS's the mean of one key frame and {INTERVAL - 1} non-key "
            "frames. No backbone runs on non-key frames, so their time should be the same for all backbones: it is "
            f"{' and '.join(spreads)}. Nothing in this table was measured here.",
        ),
    )
