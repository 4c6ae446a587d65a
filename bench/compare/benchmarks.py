"""Results of pytest-benchmark against each other. Each of its files is of one process."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.compare.comparison import Comparison
from bench.compare.counters import Finding
from bench.compare.errors import NotComparableError
from bench.compare.significance import judge
from bench.compare.times import time_finding
from bench.runs.files import read_bytes
from bench.runs.read import refuse_predictions
from mpvss.errors import UserError

Benchmark = tuple[str, str]
"""Group (empty where it has none) and name, with its file."""


@dataclass(frozen=True)
class BenchmarkFile:
    """One file of pytest-benchmark: the machine, and the median of each benchmark in seconds."""

    path: Path
    machine: Mapping[str, Any]
    medians: Mapping[Benchmark, float]


def benchmark_files(paths: Sequence[Path]) -> list[Path] | None:
    """The files of pytest-benchmark that are named, or lie in a folder that is; None where a path is a run's folder.

    Raises:
        UserError: a path is not there, a folder holds neither, or what it holds was predicted.
    """
    found = []
    for path in paths:
        refuse_predictions(path)
        if path.is_file():
            found.append(path)
        elif (path / "run.json").exists():
            return None
        else:
            inside = sorted(path.glob("*.json"))
            if not inside:
                raise UserError(
                    f"{path} is neither a results folder (it has no run.json) nor a file or folder of pytest-benchmark"
                )
            found += inside
    return found


def compare_benchmarks(
    base: Sequence[Path], new: Sequence[Path], *, floor: float = 0.05, alpha: float = 0.01
) -> Comparison:
    """Compare files of pytest-benchmark, as `--benchmark-json` and `--benchmark-save` write them.

    Args:
        base: files, each of a process; a verdict takes as many as `bench.compare.significance` says.
        new: as `base`.
        floor: relative change of a time that counts.
        alpha: chance of any false alarm, shared among the benchmarks.

    Raises:
        NotComparableError: they are of different machines, or share no benchmark.
        UserError: a file is not pytest-benchmark's; floor or alpha is out of range.
    """
    if floor < 0 or not 0 < alpha < 1:
        raise UserError(f"floor is {floor} and alpha {alpha}; they must be 0 or more, and between 0 and 1")
    sides = [[read_benchmarks(path) for path in paths] for paths in (base, new)]
    _check_machine([file for side in sides for file in side])
    before, after = (_by_benchmark(side) for side in sides)
    shared = [benchmark for benchmark in before if benchmark in after]
    if not shared:
        raise NotComparableError(f"{_names(base)} and {_names(new)} share no benchmark")
    findings = [
        _finding(benchmark, before[benchmark], after[benchmark], floor, alpha / len(shared)) for benchmark in shared
    ]
    return Comparison(f"{_names(new)} against {_names(base)}", findings, list(_remarks(before, after, base, new)))


def read_benchmarks(path: Path) -> BenchmarkFile:
    """What a file of pytest-benchmark holds.

    Raises:
        UserError: it cannot be read, or is of something else.
    """
    try:
        content = json.loads(read_bytes(path))
        medians = {
            (entry.get("group") or "", entry["fullname"].rpartition("/")[2]): float(entry["stats"]["median"])
            for entry in content["benchmarks"]
        }
        for (_, name), median in medians.items():
            if not 0 < median < math.inf:
                raise ValueError(f"the median of {name} is {median} s")
        machine = content["machine_info"]
        environment = machine.get("environment") or {}
        about = {name: environment[name] for name in ("device", "cpu", "threads") if name in environment}
        return BenchmarkFile(path, about or {"cpu": (machine.get("cpu") or {}).get("brand_raw")}, medians)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is not a file of pytest-benchmark: {type(error).__name__} {error}") from None


def _check_machine(files: Sequence[BenchmarkFile]) -> None:
    first = files[0]
    for file in files[1:]:
        if file.machine != first.machine:
            raise NotComparableError(
                f"{first.path} was measured on {dict(first.machine)} and {file.path} on {dict(file.machine)}"
            )


def _by_benchmark(files: Sequence[BenchmarkFile]) -> dict[Benchmark, list[float]]:
    found: dict[Benchmark, list[float]] = {}
    for file in files:
        for benchmark, seconds in file.medians.items():
            found.setdefault(benchmark, []).append(seconds)
    return found


def _finding(benchmark: Benchmark, base: Sequence[float], new: Sequence[float], floor: float, alpha: float) -> Finding:
    judgement = judge(base, new, floor=floor, alpha=alpha)
    return time_finding(*benchmark, "time (ms)", judgement, 1000, [])


def _remarks(
    before: Mapping[Benchmark, object], after: Mapping[Benchmark, object], base: Sequence[Path], new: Sequence[Path]
) -> Iterator[str]:
    for paths, own, other in ((base, before, after), (new, after, before)):
        for _, name in own:
            if not any(name == known for _, known in other):
                yield f"{name} of {_names(paths)} alone"


def _names(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
