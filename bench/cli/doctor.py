"""`mpvss-bench doctor`: its arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import status

TEXT = """\
Say what this machine can do: processor, CUDA devices, libraries, extras, programs, shipped weights, free space and, by
--data, whether a data set is laid out as its loader needs it; and for what is missing, what to install. Exit status 1
where something is broken that the project cannot do without.
"""
EXAMPLES = """\
examples:
  mpvss-bench doctor
  mpvss-bench doctor --data vspw:data/VSPW_480p --data cityscapes:data/cityscapes
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "doctor",
        help="what this machine can do, and what to install for the rest",
        description=TEXT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", action="append", default=[], metavar="SPEC", help="a data set to check; repeatable")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="where results will go (default: this folder)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.doctor.examine import examine
    from bench.doctor.finding import text_of

    findings = examine(args.out, args.data)
    print(text_of(findings))
    return status.FAILED if any(finding.state == "broken" for finding in findings) else status.DONE
