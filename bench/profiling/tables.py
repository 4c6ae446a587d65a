"""Times joined with counts, and compared with the machine's ceilings: rows for files and plots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.measure.count.executed import Executed, Tally
from bench.profiling.attribution import Place, Spent
from bench.profiling.ceilings import Ceilings
from bench.profiling.device import DeviceWork, Kernel
from bench.profiling.names import Kind

Row = dict[str, Any]
PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm")


@dataclass(frozen=True)
class Measured:
    """One profiled frame."""

    kind: Kind
    seconds: float
    """Time of the whole frame on the host."""
    host: Mapping[Place, Spent]
    device: DeviceWork | None


def stage_rows(frames: Sequence[Measured], counts: Mapping[Kind, Executed], ceilings: Ceilings) -> list[Row]:
    """One row for each kind of frame and stage, means over the frames of the kind; the longest first."""
    return _rows(frames, counts, ceilings, by_operator=False)


def operator_rows(frames: Sequence[Measured], counts: Mapping[Kind, Executed], ceilings: Ceilings) -> list[Row]:
    """One row for each kind of frame, stage and operator, as `stage_rows`."""
    return _rows(frames, counts, ceilings, by_operator=True)


def kernel_rows(frames: Sequence[Measured]) -> list[Row]:
    """One row for each kind of frame, stage, operator and kernel of the device; the longest first."""
    rows: list[Row] = []
    for kind, of_kind in _by_kind(frames).items():
        runs: defaultdict[tuple[Place, str], list[Kernel]] = defaultdict(list)
        for kernel in (kernel for frame in of_kind if frame.device for kernel in frame.device.kernels):
            runs[kernel.place, kernel.name].append(kernel)
        rows += sorted(
            (
                {
                    "frame": kind,
                    "stage": stage,
                    "operator": operator,
                    "kernel": name,
                    "device_ms": 1e3 * sum(kernel.seconds for kernel in kernels) / len(of_kind),
                    "runs": len(kernels) / len(of_kind),
                }
                for ((stage, operator), name), kernels in runs.items()
            ),
            key=lambda row: -row["device_ms"],
        )
    return rows


def device_rows(frames: Sequence[Measured]) -> list[Row]:
    """Launches and idle gaps of the device for each frame, in order; none without a device."""
    return [
        {
            "frame": frame.kind,
            "launches": work.launches,
            "span_ms": 1e3 * work.span_seconds,
            "busy_ms": 1e3 * work.busy_seconds,
            "idle_ms": 1e3 * sum(work.gaps),
            "gaps": len(work.gaps),
            "longest_gap_ms": 1e3 * max(work.gaps, default=0.0),
        }
        for frame in frames
        if (work := frame.device) is not None
    ]


def _rows(
    frames: Sequence[Measured], counts: Mapping[Kind, Executed], ceilings: Ceilings, by_operator: bool
) -> list[Row]:
    def group(place: Place) -> Place:
        return place if by_operator else (place[0], "")

    rows: list[Row] = []
    for kind, of_kind in _by_kind(frames).items():
        host = _summed(((group(place), x.seconds, x.calls) for frame in of_kind for place, x in frame.host.items()))
        on_device = of_kind[0].device is not None
        kernels = [kernel for frame in of_kind if frame.device for kernel in frame.device.kernels]
        device = _summed((group(kernel.place), kernel.seconds, int(kernel.is_kernel)) for kernel in kernels)
        time = device if on_device else host
        tallies = _tallied(counts[kind], group)
        if by_operator:
            _give_products_to_those_that_ran(tallies, host)
        total = sum(seconds for seconds, _ in time.values())
        of_this_kind: list[Row] = []
        for place in {**host, **device, **tallies}:
            seconds, launches = (x / len(of_kind) for x in time.get(place, (0.0, 0)))
            tally = tallies.get(place, Tally())
            row: Row = {"frame": kind, "stage": place[0]}
            if by_operator:
                row["operator"] = place[1]
            row |= {"ms": 1e3 * seconds, "share": seconds * len(of_kind) / total if total else 0.0}
            if on_device:
                row |= {"host_ms": 1e3 * host.get(place, (0.0, 0))[0] / len(of_kind), "launches": launches}
            row |= {"calls": host.get(place, (0.0, 0))[1] / len(of_kind), "macs": tally.macs, "bytes": tally.bytes}
            of_this_kind.append(row | _rates(tally, seconds, ceilings))
        rows += sorted(of_this_kind, key=lambda row: -row["ms"])
    return rows


def _rates(tally: Tally, seconds: float, ceilings: Ceilings) -> Row:
    """Achieved rates, None where there is no such work; `of_ceiling` is the larger share of its ceiling."""
    macs = tally.macs / seconds if tally.macs and seconds else None
    moved = tally.bytes / seconds if tally.bytes and seconds else None
    shares = [(macs or 0) / ceilings.macs_per_second, (moved or 0) / ceilings.bytes_per_second]
    return {
        "macs_per_byte": tally.macs / tally.bytes if tally.macs and tally.bytes else None,
        "gmacs_per_s": None if macs is None else macs / 1e9,
        "gb_per_s": None if moved is None else moved / 1e9,
        "of_ceiling": max(shares) if macs or moved else None,
    }


def _summed(amounts: Iterable[tuple[Place, float, int]]) -> dict[Place, tuple[float, int]]:
    sums: dict[Place, tuple[float, int]] = {}
    for place, seconds, calls in amounts:
        before = sums.get(place, (0.0, 0))
        sums[place] = (before[0] + seconds, before[1] + calls)
    return sums


def _tallied(executed: Executed, group: Callable[[Place], Place]) -> dict[Place, Tally]:
    groups: defaultdict[Place, list[Tally]] = defaultdict(list)
    for place, tally in executed.items():
        groups[group(place)].append(tally)
    return {place: _sum(tallies) for place, tallies in groups.items()}


def _give_products_to_those_that_ran(tallies: dict[Place, Tally], host: Mapping[Place, object]) -> None:
    """Torch may fold a product differently while it is counted: `bmm` is counted where `mm` runs.

    What a stage counted as products that did not run goes to the one that ran uncounted, if it is one.
    """
    for stage in {stage for stage, _ in tallies}:
        uncounted = [place for place in host if place[0] == stage and place[1] in PRODUCTS and place not in tallies]
        absent = [place for place in tallies if place[0] == stage and place[1] in PRODUCTS and place not in host]
        if len(uncounted) == 1 and absent:
            tallies[uncounted[0]] = _sum(tallies.pop(place) for place in absent)


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.calls += tally.calls
        total.macs += tally.macs
        total.bytes += tally.bytes
    return total


def _by_kind(frames: Iterable[Measured]) -> dict[Kind, list[Measured]]:
    groups: defaultdict[Kind, list[Measured]] = defaultdict(list)
    for frame in frames:
        groups[frame.kind].append(frame)
    return dict(groups)
