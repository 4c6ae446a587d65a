"""`mpvss-bench demo`: the trained small models, side by side, in two or three minutes on a CPU."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.cli import options

METHODS = "per-frame,copy,optical-flow@fine-tuned,mpvss,dff,accel"
PICTURED = "per-frame,optical-flow@fine-tuned,mpvss"
CLIPS = "synthetic:clips=6,frames=20"
TEXT = """\
Sweep the small models that come with the project over key-frame intervals on a few held-out clips, draw frames with
what the methods make of them, and write the report, with a player of two clips. It runs three commands and shows each.
With so few clips the confidence intervals are wide; results/measured/ holds the sweep over all test clips.
"""


def add_parser(commands: argparse._SubParsersAction, run_command: Callable[[Sequence[str]], int]) -> None:
    """Add the command's parser; `run_command` runs one of the commands that it consists of."""
    parser = commands.add_parser(
        "demo",
        help="the trained small models side by side, in two or three minutes",
        description=TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/runs/demo"),
        metavar="DIR",
        help="folder of the results (default: results/runs/demo)",
    )
    options.add_device(parser)
    parser.set_defaults(run=partial(_run, run_command))


def _run(run_command: Callable[[Sequence[str]], int], args: argparse.Namespace) -> int:
    how = ["--device", args.device, *(["--threads", str(args.threads)] if args.threads else [])]
    for command in demo_commands(args.out, how):
        print(f"$ mpvss-bench {shlex.join(command)}", flush=True)
        status = run_command(command)
        if status:
            return status
    for page in ("player.html", "index.html"):
        print(f"open {args.out / 'report' / page}")
    return 0


def demo_commands(out: Path, how: list[str]) -> list[list[str]]:
    """The commands that the demo consists of; `how` are the arguments that say where it runs."""
    shipped = ["--weights", "shipped", "--data", CLIPS]
    return [
        [
            "sweep",
            "--methods",
            METHODS,
            "--intervals",
            "1,2,5,10",
            *shipped,
            *how,
            "--keep",
            "labels",
            "--out",
            str(out),
        ],
        ["strip", "--methods", PICTURED, *shipped, *how, "--out", str(out / "pictures")],
        ["report", str(out), "--play", "2"],
    ]
