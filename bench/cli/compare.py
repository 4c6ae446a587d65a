"""`mpvss-bench compare`: the gate between two runs, or between two versions of the code."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import options, status
from bench.cli.bisect import HELP, bisect_status
from bench.cli.latency import add_measured
from mpvss.errors import UserError

if TYPE_CHECKING:
    from bench.compare import Comparison

EXAMPLES = """\
examples:
  mpvss-bench compare --ab main . --methods mpvss --weights shipped --data synthetic --threads 1
      time two versions of the code in turn, in one sitting: revisions, or folders that hold the project
  mpvss-bench compare results/runs/before results/runs/after --markdown summary.md
      two runs of sweep or latency
  mpvss-bench compare results/runs/tests-before results/runs/tests-after
      results of pytest-benchmark: files or folders of them, separated by commas, each file of one process

Times are judged by how processes of one side differ among themselves: SLOWER or FASTER if Student's test says so, its
interval of the ratio lies on one side of 1, and the ratio is away from 1 by the floor; SAME if that interval lies
within the floor; else UNCLEAR, with the reason. Fewer than 5 processes on a side, a run that had not settled and one
stopped by its time limit are UNCLEAR. Parameters, MACs and operators executed are compared exactly, peak memory and
mIoU within the tolerance that the table states: SAME, BETTER or WORSE. A cell that failed or was not finished in NEW is
BROKEN.

--ab: each revision runs in a worktree of its own. Processes come in pairs, one of each version, which take turns round
by round, so that a drift of the machine meets both alike. A version with the dependencies of this code runs in the
present environment, another one in a virtual environment with its own, which is kept for the next time.

exit status: 0 no regression, 1 regression (SLOWER, WORSE or BROKEN), 2 bad input, 3 the two cannot be compared, or a
version cannot be measured; for others see --bisect
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "compare",
        help="what got slower, larger or worse from one run or version to another",
        description="Compare two runs of one configuration, or two versions of the code, and fail if the second is "
        "worse.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", metavar="BASE", help="results folder of a sweep or of latency; with --ab, a version")
    parser.add_argument("new", metavar="NEW", help="another, of the same configuration; with --ab, another version")
    parser.add_argument(
        "--floor", type=float, default=0.05, help="relative change of a time that counts (default 0.05)"
    )
    parser.add_argument("--alpha", type=float, default=0.01, help="chance of any false alarm (default 0.01)")
    parser.add_argument("--counts-only", action="store_true", help="leave times out, on machines that others use too")
    parser.add_argument("--times-only", action="store_true", help="leave counts, memory and accuracy out")
    parser.add_argument("--bisect", action="store_true", help=HELP)
    add_output(parser)
    parser.add_argument("--ab", action="store_true", help="measure two versions of the code in turn; options below")
    before = len(parser._actions)
    ab = parser.add_argument_group("with --ab")
    ab.add_argument("--pairs", type=int, default=8, metavar="N", help="pairs of processes (default: 8)")
    ab.add_argument("--rounds", type=int, default=8, metavar="N", help="passes over the clip by each (default: 8)")
    ab.add_argument(
        "--environment",
        choices=("auto", "present", "own"),
        default="auto",
        help="what versions run in: the present environment, one of their own, or as their dependencies ask (default)",
    )
    ab.add_argument("--out", type=Path, metavar="DIR", help="keep both runs in this new folder, as base and new")
    add_measured(parser)
    of_ab = {action.option_strings[0]: (action.dest, action.default) for action in parser._actions[before:]}
    parser.set_defaults(run=_run, of_ab=of_ab)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what the commands of the gate share: how their table is written."""
    parser.add_argument("--all", action="store_true", help="show what stayed the same too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to a file as well")


def show(args: argparse.Namespace, comparison: Comparison) -> int:
    """Print the table, and write it where that is asked for; the exit status."""
    from bench.runs.files import write_text

    text = comparison.text(all_rows=args.all)
    if args.markdown is not None:
        write_text(args.markdown, text)
    print(text, end="")
    return status.FAILED if comparison.is_regression else status.DONE


def _run(args: argparse.Namespace) -> int:
    if args.bisect:
        return bisect_status(lambda: _compared(args), lambda found: show(args, found))
    return show(args, _compared(args))


def _compared(args: argparse.Namespace) -> Comparison:
    if args.ab:
        return _versions(args)
    from bench.compare import compare
    from bench.compare.benchmarks import benchmark_files, compare_benchmarks

    unused = [flag for flag, (name, default) in args.of_ab.items() if getattr(args, name) != default]
    if unused:
        raise UserError(f"{', '.join(unused)}: only with --ab, which measures; two runs are compared as they are")
    files = [benchmark_files([Path(name) for name in options.names(side)]) for side in (args.base, args.new)]
    if files[0] is not None and files[1] is not None:
        return compare_benchmarks(files[0], files[1], floor=args.floor, alpha=args.alpha)
    return compare(
        args.base,
        args.new,
        floor=args.floor,
        alpha=args.alpha,
        counts_only=args.counts_only,
        times_only=args.times_only,
    )


def _versions(args: argparse.Namespace) -> Comparison:
    from bench.ab.versions import compare_versions
    from bench.sweep.messages import Request

    if args.size is not None and len(args.size) != 1:
        raise UserError(f"{len(args.size)} frame sizes are given; two versions are timed at one")
    request = Request(
        methods=tuple(args.methods),
        backbones=tuple(args.backbones),
        scopes=tuple(args.scopes),
        batch=args.batch,
        data=args.data,
        labels=args.labels,
        classes=args.classes,
        size=args.size[0] if args.size else None,
        weights=tuple(args.weights),
        execution=args.execution,
        mode=options.mode_of(args),
        seed=args.seed,
        device=args.device,
        threads=args.threads,
    )
    return compare_versions(
        args.base,
        args.new,
        request,
        intervals=args.intervals,
        pairs=args.pairs,
        rounds=args.rounds,
        environment=args.environment,
        floor=args.floor,
        alpha=args.alpha,
        counts_only=args.counts_only,
        times_only=args.times_only,
        out=args.out,
        command=options.command(),
    )
