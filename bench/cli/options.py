"""Command-line arguments that several commands take, and the command as it was given. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import status

if TYPE_CHECKING:
    from bench.measure.time.modes import Mode


def names(text: str) -> list[str]:
    """A list separated by commas, each name once."""
    return list(dict.fromkeys(filter(None, (item.strip() for item in text.split(",")))))


def integers(text: str) -> list[int]:
    """A list of whole numbers separated by commas, each once."""
    try:
        return list(dict.fromkeys(int(item) for item in names(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers, as 1,2,5,10") from None


def numbers(text: str) -> list[float]:
    """A list of numbers separated by commas, each once."""
    try:
        return list(dict.fromkeys(float(item) for item in names(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers, as 15,29.97") from None


def size(text: str) -> tuple[int, int]:
    """A frame size, HEIGHTxWIDTH, as (height, width)."""
    matched = re.fullmatch(r"0*([1-9]\d*)x0*([1-9]\d*)", text)
    if not matched:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, as 480x853")
    return int(matched[1]), int(matched[2])


def sizes(text: str) -> list[tuple[int, int]]:
    """Frame sizes separated by commas, each once."""
    return list(dict.fromkeys(map(size, names(text))))


def add_data(parser: argparse._ActionsContainer, default: str | None = "generated") -> None:
    """Which frames to run on; the default None stands for those that a run names."""
    stated = "those of RUN, where they are made up" if default is None else default
    parser.add_argument("--data", default=default, metavar="SPEC", help=f"see below (default: {stated})")
    parser.add_argument("--labels", metavar="DIR", help="label maps for folder:PATH")
    parser.add_argument("--classes", type=int, metavar="N", help="number of classes, where the data does not say")


def add_data_of_run(parser: argparse._ActionsContainer) -> None:
    """Where the data of a run lies."""
    parser.add_argument(
        "--data",
        metavar="SPEC",
        help="the run's data, as the sweep was given it; not needed for data that is made up on the spot",
    )
    parser.add_argument("--labels", metavar="DIR", help="label maps for folder:PATH")
    parser.add_argument("--classes", type=int, metavar="N", help="number of classes, where the data does not say")


def add_device(parser: argparse._ActionsContainer) -> None:
    """Where to run."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")


def add_mode(parser: argparse._ActionsContainer) -> None:
    """How networks are run; `mode_of` reads it."""
    parser.add_argument("--amp", choices=("bfloat16", "float16"), help="autocast to this format")
    parser.add_argument("--channels-last", action="store_true", help="weights with the channels last")
    parser.add_argument("--compile", action="store_true", help="torch.compile; what it takes is recorded apart")
    parser.add_argument("--cuda-graphs", action="store_true", help="capture each kind of frame and replay it")


def add_weights(parser: argparse._ActionsContainer, *, seed: bool = True) -> None:
    """Which checkpoints methods get; `seed`: and the seed of random ones."""
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="[BACKBONE[/METHOD[@LABEL]]=]FILE",
        help="checkpoint of a backbone, or of one row of it; may be repeated. FILE may be hub:ORG/NAME[@REVISION], a "
        "Mask2Former or SegFormer of the transformers library's hub. flownets=FILE, raft=FILE: of the flow network "
        "alone. `shipped`: those that come with the project, for all rows that have no other (default: random weights)",
    )
    if seed:
        parser.add_argument("--seed", type=int, default=0, help="of random weights (default: 0)")


def mode_of(args: argparse.Namespace) -> Mode:
    """How networks are run, as `add_mode` was answered."""
    from bench.measure.time.modes import Mode

    return Mode(amp=args.amp, compile=args.compile, cuda_graphs=args.cuda_graphs, channels_last=args.channels_last)


def command() -> str:
    """The command as it was given, for a run's file to name."""
    return shlex.join(["mpvss-bench", *sys.argv[1:]])


def print_tables(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a sweep's table of each backbone, without its times, which are for orientation."""
    from bench.report.speed.doubts import without_times
    from bench.report.tables.tables import main_table

    for backbone, cells in groupby(rows, key=itemgetter("backbone")):
        print(f"{backbone}\n\n{main_table(list(map(without_times, cells)))}\n")


def end(failed: Sequence[object], out: Path) -> int:
    """Say how a run ended, and what to do next; the exit status."""
    if failed:
        print(
            f"{len(failed)} cells failed; they are recorded in {out}, and rerunning tries them again", file=sys.stderr
        )
        return status.FAILED
    print(f"done; next: mpvss-bench report {shlex.quote(str(out))}", file=sys.stderr)
    return status.DONE
