"""`mpvss-bench score`: its options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli import options, status

TEXT = """\
Score the label maps that `sweep --keep labels` kept, without any network, and write the measures into the run's cells.
They equal the sweep's to the bit; a measure that came later is added without a new sweep. Label maps that are not the
cells' own, and data that is not the run's, are refused.
"""
EXAMPLES = """\
examples:
  mpvss-bench score results/runs/demo
  mpvss-bench score results/runs/vspw --data vspw:data/VSPW_480p
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "score",
        help="score kept label maps again, without a network",
        description=TEXT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a sweep by --keep labels")
    options.add_data_of_run(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.sweep import score

    outcome = score(args.folder, data=args.data, labels=args.labels, classes=args.classes)
    options.print_tables(outcome.rows())
    print(
        f"scored the label maps of {len(outcome.scored)} cells; the measures of {len(outcome.changed)} changed",
        file=sys.stderr,
    )
    return status.DONE
