"""How much faster several workers score clips than one: `python tests/sweep/worker_speed.py`.

Alternately one process with one thread, and several with one thread each, over the same clips. A sweep's whole time is
taken, from the call to the last file, with what workers take to start. Printed are frames a second, and the ratio of
the medians; and frames per second of a processor's time, which say what sharing costs where a machine has other work.
Only one that does nothing else, with a core for each worker, gives a figure to report.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from bench.sweep import sweep


def frames_per_second(workers: int, clips: int, frames: int, size: str) -> tuple[float, float]:
    """Of one sweep that measures accuracy alone: by the clock, and by the processors' time of all processes."""
    with tempfile.TemporaryDirectory() as folder:
        begun, used = time.perf_counter(), processor_seconds()
        sweep(
            Path(folder) / "run",
            methods=("per-frame", "copy", "optical-flow", "mpvss"),
            data=f"generated:clips={clips},frames={frames},size={size}",
            intervals=(1, 5, 10),
            only=("accuracy",),
            threads=workers,
            workers=workers,
        )
        count = clips * frames
        return count / (time.perf_counter() - begun), count / (processor_seconds() - used)


def processor_seconds() -> float:
    """Of this process, and of its children that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--size", default="240x432")
    args = parser.parse_args()
    found: dict[int, list[float]] = {1: [], args.workers: []}
    for _ in range(args.rounds):
        for workers, speeds in found.items():
            speed, of_processor = frames_per_second(workers, args.clips, args.frames, args.size)
            speeds.append(speed)
            load = f"load {os.getloadavg()[0]:.1f}"
            print(
                f"{workers} workers: {speed:.2f} frames/s; {of_processor:.2f} per processor second; {load}", flush=True
            )
    one, several = (statistics.median(speeds) for speeds in found.values())
    print(f"{args.workers} workers: {several / one:.3f} times one")


if __name__ == "__main__":
    main()
