"""Work that keeps one core of the processor and its memory busy: `python -m bench.ab.load CORE`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

SIDE = 512
"""Rows and columns of the matrices that are multiplied: 6 MiB in all, more than a core's own cache."""


@contextmanager
def load_on(core: int) -> Iterator[int]:
    """Keep a core busy by a process of its own, while the block runs; its number."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.ab.load", str(core)], stdin=subprocess.PIPE, env=environment
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def work_forever(core: int) -> None:
    """Multiply matrices on a core until standard input ends, as it does with the process that asked for the load."""
    os.sched_setaffinity(0, {core})
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    rng = np.random.default_rng(0)
    one, other = rng.random((2, SIDE, SIDE))
    while True:
        np.matmul(one, other)


if __name__ == "__main__":
    work_forever(int(sys.argv[1]))
