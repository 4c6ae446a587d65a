"""What `--check` prints: the data that a command would run on, without running it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from bench.cli import status
from mpvss.errors import UserError

Data = tuple[str, str | None, int | None]
"""A spec, a folder of label maps and a number of classes, as `open_dataset` takes them."""


def add_check(parser: argparse._ActionsContainer) -> None:
    """Whether to look at the data alone."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="say what the data have and what is missing, and run nothing; exit status 2 where something is missing",
    )


def check(data: Iterable[Data]) -> int:
    """Print what was found of each; the exit status."""
    from bench.data.check import check_data

    complete = True
    data = list(data)
    if not data:
        print("nothing to look at: all of it is made up on the spot")
    for spec, labels, classes in data:
        findings = check_data(spec, labels, classes)
        complete = complete and findings.complete
        print(f"{spec}: {'complete' if findings.complete else 'not complete'}\n{findings.text()}")
    return status.DONE if complete else status.REFUSED


def require_out(args: argparse.Namespace) -> None:
    """Raise UserError where nothing says where results go; `--check` alone needs no place."""
    if args.out is None:
        raise UserError("--out is missing: give the folder of the results, or --check to look at the data alone")
