"""Runs commands one after the other, each in a process forked from this one, which has imported everything.

So a kill falls into what the command does, and not into its imports. Each line that is read is a JSON list of the
arguments of a command; written are the number of its process and, when it has ended, its exit status.
"""

from __future__ import annotations

import json
import os
import sys

import bench.report.write
import bench.sweep
import bench.train.run  # noqa: F401
from bench.cli.main import main


def serve() -> None:
    for line in sys.stdin:
        process = os.fork()
        if not process:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            sys.exit(main(json.loads(line)))
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
