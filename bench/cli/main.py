"""The command line, `mpvss-bench`. Parsing imports no torch, so that help comes at once."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence

from bench import __version__
from bench.cli import (
    card,
    compare,
    cost,
    demo,
    doctor,
    gate,
    history,
    latency,
    merge,
    peer,
    profile,
    report,
    schedules,
    score,
    segment,
    ship,
    status,
    stream,
    strip,
    sweep,
    train,
)
from bench.cli.termination import TerminatedError, terminable
from bench.compare.errors import NotComparableError
from mpvss.errors import UserError

EXAMPLES = """\
examples:
  mpvss-bench demo
      the trained small models on clips rendered on the spot: a page, tables, figures and pictures in two minutes
  mpvss-bench sweep --backbones micro --weights shipped --data synthetic --out results/runs/first
      every method at intervals 1, 2, 5 and 10
  mpvss-bench report results/runs/first
      a page, tables and figures of it, in results/runs/first/report
  mpvss-bench latency --out results/runs/speed
      time key and non-key frames to a target precision
  mpvss-bench segment street.mp4 --out overlay.mp4
      a video of your own under the predicted classes
  mpvss-bench train small-per-frame --out results/runs/small
      train a method; `mpvss-bench train --help` lists the presets
  mpvss-bench cost --help
      parameters and multiply-accumulates, without running anything

`mpvss-bench COMMAND --help` explains each command. Exit status: 0 done, 1 something failed or got worse (the output
says what), 2 the input was refused, 3 the two are not comparable, 130 interrupted, 143 terminated.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Input that is refused gives one line on standard error and status 2."""
    args = make_parser().parse_args(argv)
    try:
        with terminable():
            return args.run(args)
    except NotComparableError as error:
        print(f"mpvss-bench: not comparable: {error}", file=sys.stderr)
        return status.NOT_COMPARABLE
    except UserError as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return status.REFUSED
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        print(f"mpvss-bench: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return status.REFUSED
    except KeyboardInterrupt as error:
        how = "terminated" if isinstance(error, TerminatedError) else "interrupted"
        resume = "; rerun the same command to resume" if getattr(args, "resumes", False) else ""
        print(f"\nmpvss-bench: {how}{resume}", file=sys.stderr)
        return status.TERMINATED if isinstance(error, TerminatedError) else status.INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function from its arguments to the exit status."""
    parser = argparse.ArgumentParser(
        prog="mpvss-bench",
        description="Measure methods for video semantic segmentation: accuracy, cost, speed and memory, at "
        "any backbone and key-frame interval.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mpvss-bench {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo.add_parser(commands, main)
    sweep.add_parser(commands)
    merge.add_parser(commands)
    score.add_parser(commands)
    report.add_parser(commands)
    latency.add_parser(commands)
    stream.add_parser(commands)
    schedules.add_parser(commands)
    compare.add_parser(commands)
    gate.add_parser(commands)
    history.add_parser(commands)
    segment.add_parser(commands)
    strip.add_parser(commands)
    train.add_parser(commands)
    ship.add_parser(commands)
    cost.add_parser(commands)
    profile.add_parser(commands)
    peer.add_parser(commands)
    doctor.add_parser(commands)
    card.add_parser(commands)
    return parser
