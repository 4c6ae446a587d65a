"""Points of hand-made commits: c0000000, c0000001 and so on, a day apart."""

from __future__ import annotations

from collections.abc import Sequence

from bench.runs.records.history import HistoryFigure, PointRecord


def hash_of(index: int) -> str:
    return f"c{index:07d}"


def point(index: int, *figures: HistoryFigure, machine: str | None = "m", **conditions: str) -> PointRecord:
    return PointRecord(
        commit=hash_of(index),
        committed=f"2026-01-{index + 1:02d}T00:00:00+00:00",
        measured="2026-03-01T00:00:00+00:00",
        setting="made",
        machine=machine,
        conditions=conditions,
        figures=list(figures),
    )


def counter(value: float, quantity: str = "MACs of a key frame") -> HistoryFigure:
    return HistoryFigure(backbone="micro", method="mpvss", quantity=quantity, value=value)


def time(value: float, half: float = 0.1) -> HistoryFigure:
    quantity = "median of key frames, labels (ms)"
    return HistoryFigure(
        backbone="micro", method="mpvss", quantity=quantity, value=value, low=value - half, high=value + half
    )


def counters(values: Sequence[float]) -> list[PointRecord]:
    return [point(index, counter(value)) for index, value in enumerate(values)]


def times(values: Sequence[float], machine: str = "m") -> list[PointRecord]:
    return [point(index, time(value), machine=machine) for index, value in enumerate(values)]
