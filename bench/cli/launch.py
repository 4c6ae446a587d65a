"""`mpvss-bench sweep --launch`: its options, and what it says."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.cli import options, status
from mpvss.errors import UserError

NAMES = ("shards", "partition", "gpus_per_node", "cpus_per_task", "time_limit", "signal_delay", "sbatch")
"""Options that mean something with `--launch` alone."""


def add_launch(parser: argparse.ArgumentParser) -> None:
    """Add the options of launching to `sweep`."""
    group = parser.add_argument_group("as jobs, which need `pip install mpvss-bench[cluster]`; see docs/cluster.md")
    group.add_argument("--launch", choices=("slurm", "local"), help="submit shards, timing and merge")
    group.add_argument("--shards", type=int, metavar="N", help="parts of the clips, a job each (default: 1)")
    group.add_argument("--partition", metavar="NAME", help="of SLURM (default: its own)")
    group.add_argument("--gpus-per-node", type=int, metavar="N", help="GPUs of each job (default: 0)")
    group.add_argument("--cpus-per-task", type=int, metavar="N", help="cores of each job (default: 1)")
    group.add_argument(
        "--time-limit", type=int, metavar="MIN", help="of a job, which is then queued again and goes on (default: 240)"
    )
    group.add_argument(
        "--signal-delay", type=int, metavar="S", help="how long before its limit a job is told (default: 90)"
    )
    group.add_argument(
        "--sbatch", action="append", metavar="NAME=VALUE", help="a further option of sbatch; may be repeated"
    )


def check_unused(args: argparse.Namespace) -> None:
    """UserError where an option of launching is given without `--launch`, and would do nothing."""
    for name in NAMES:
        if getattr(args, name) is not None:
            raise UserError(f"--{name.replace('_', '-')} belongs to --launch; give --launch slurm or --launch local")


def launch(args: argparse.Namespace, arguments: Mapping[str, Any]) -> int:
    """Launch the sweep; the exit status."""
    from bench.launch.plan import plan
    from bench.launch.submit import Resources, run_locally, submit_to_slurm

    given: dict[str, Any] = {
        "partition": args.partition,
        "gpus": args.gpus_per_node,
        "cpus": args.cpus_per_task,
        "minutes": args.time_limit,
        "signal_seconds": args.signal_delay,
        "more": dict(map(_option, args.sbatch)) if args.sbatch else None,
    }
    resources = Resources(**{name: value for name, value in given.items() if value is not None})
    if arguments["threads"] is None:
        arguments = {**arguments, "threads": resources.cpus}
    jobs = plan(args.out, 1 if args.shards is None else args.shards, arguments)
    if args.launch == "local":
        failed = run_locally(jobs, resources)
        return options.end([None] * failed, args.out)
    for name, number in submit_to_slurm(jobs, resources).items():
        print(f"{name}: job {number}")
    out = shlex.quote(str(Path(args.out)))
    print(f"when the merge has ended: mpvss-bench report {out}", file=sys.stderr)
    print(f"where a job failed, see {jobs.logs}, and rerun this command", file=sys.stderr)
    return status.DONE


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UserError(f"--sbatch {text}: it must be NAME=VALUE, as account=vision")
    return name.removeprefix("--"), value
