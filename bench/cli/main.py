"""The command line, `mpvss-bench`. Parsing imports no torch, so that help comes at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from bench.cli import compare, cost, demo, gate, latency, peer, profile, report, segment, ship, strip, sweep, train
from mpvss.errors import UserError

USAGE_ERROR, INTERRUPTED = 2, 130

EXAMPLES = """\
examples:
  mpvss-bench demo
      the trained small models on clips rendered on the spot: a page, tables, figures and pictures in two minutes
  mpvss-bench sweep --backbones micro --weights shipped --data synthetic --out results/runs/first
      every method at intervals 1, 2, 5 and 10
  mpvss-bench report results/runs/first
      a page, tables and figures of it, in results/runs/first/report
  mpvss-bench latency --out results/runs/speed
      how long key and non-key frames take, as precisely as asked for
  mpvss-bench segment street.mp4 --out overlay.mp4
      a video of your own under the predicted classes
  mpvss-bench train small-per-frame --out results/runs/small
      train a method; `mpvss-bench train --help` lists the presets
  mpvss-bench cost --help
      parameters and multiply-accumulates, without running anything

`mpvss-bench COMMAND --help` explains each command. Exit status: 0 done, 1 done but something failed (the
output says what), 2 the input was refused, 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Input that is refused gives one line on standard error and status 2."""
    parser = make_parser()
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        getattr(args, "refuse", parser.error)(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return args.run(args)
    except (ValueError, OSError) as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("\nmpvss-bench: interrupted", file=sys.stderr)
        return INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function from its arguments to the exit status."""
    parser = argparse.ArgumentParser(
        prog="mpvss-bench",
        description="Measure methods for video semantic segmentation: accuracy, cost, speed and memory, at "
        "any backbone and key-frame interval.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo.add_parser(commands)
    sweep.add_parser(commands)
    report.add_parser(commands)
    latency.add_parser(commands)
    compare.add_parser(commands)
    gate.add_parser(commands)
    segment.add_parser(commands)
    strip.add_parser(commands)
    train.add_parser(commands)
    ship.add_parser(commands)
    cost.add_parser(commands)
    profile.add_parser(commands)
    peer.add_parser(commands)
    return parser


def known_names(names: Iterable[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """The names, as they are.

    Raises:
        UserError: a name that is not known.
    """
    names = list(names)
    for name in names:
        if name not in known:
            raise UserError(f"unknown {what} {name!r}; known are {', '.join(known)}")
    return tuple(names)
