"""`mpvss-bench latency`: its options. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options

TEXT = """\
Measure how long methods take: key and non-key frames told apart, with the precision of every median known, all methods
of a backbone in one process and in turn, in a random order that changes with every round. Written: every sample,
p50, p90, p99 and mean, FPS over a clip of 15 frames at each interval, the share of frames over a deadline, peak
memory, and on a CUDA device energy and what the card did meanwhile (clocks, temperature, throttling).
"""

NOTES = """\
scopes (--scopes); batch 1 in each:
  model   from the frame on the device to the scores of all classes on the device
  labels  from the frame on the device to the label map on the host
  video   from decoding the frame to the label map on the host; for video:PATH and folder:PATH without labels

protocols (--protocol):
  precise  rounds of one pass over the clip (its first 15 frames, key frames at 0, 5, 10), after a warm-up that ends
           when the medians of two successive rounds differ by 5 % at most (5 rounds at most); until the 95 % interval
           of every median, a binomial one of order statistics, is narrow enough and has enough samples, or time is up
  paper    the paper's: batch 1, clips of 15 frames, three repeats; after one round of warm-up

A quantile is given where one sample or more is expected beyond it: p90 of 10 samples, p99 of 100.
The same command, given again after it was stopped, goes on with the backbones that are missing.

examples:
  mpvss-bench latency --out results/runs/speed
  mpvss-bench latency --methods per-frame,mpvss --backbones swin-t --data video:street.mp4 --classes 124 \\
      --scopes model,labels,video --device cuda --amp bfloat16 --compile --out results/runs/speed-gpu
  mpvss-bench latency --protocol paper --scopes model --backbones r50,r101 --out results/runs/speed-paper
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "latency",
        help="how long key and non-key frames take, as precisely as asked for",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    what = parser.add_argument_group("what to time (lists are separated by commas)")
    names = {"type": options.names, "metavar": "LIST"}
    what.add_argument("--methods", default=["all"], help="methods (default: all of the project's own)", **names)
    what.add_argument("--backbones", default=["micro"], help="backbones (default: micro)", **names)
    what.add_argument(
        "--intervals",
        type=options.integers,
        default=[1, 2, 5, 10],
        metavar="LIST",
        help="key-frame intervals that FPS is given at; it follows from the mean times (default: 1,2,5,10)",
    )
    what.add_argument("--scopes", default=["labels"], help="of model, labels, video (default: labels)", **names)
    what.add_argument(
        "--deadline",
        type=float,
        action="append",
        metavar="MS",
        help="deadline of a frame in ms; may be repeated (default: those of 30 and 60 Hz)",
    )
    what.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="[BACKBONE[/METHOD]=]FILE",
        help="checkpoint, as in a sweep (default: untrained)",
    )
    what.add_argument("--seed", type=int, default=0, help="of untrained weights and of the order (default: 0)")
    data = parser.add_argument_group("data, of which the first 15 frames of the first clip are run (see sweep)")
    options.add_data(data)
    how = parser.add_argument_group("how precisely")
    how.add_argument("--protocol", choices=("precise", "paper"), default="precise", help="default: precise")
    how.add_argument(
        "--precision", type=float, metavar="X", help="width of a median's interval over the median (default: 0.02)"
    )
    how.add_argument("--samples", type=int, metavar="N", help="of each kind of frame at least (default: 30)")
    how.add_argument(
        "--time-limit", type=float, metavar="S", help="seconds for a backbone, seen to after a round (default: 60)"
    )
    run = parser.add_argument_group("how to run")
    options.add_device(run)
    run.add_argument("--execution", choices=("lean", "paper"), default="lean", help="the graph (default: lean)")
    options.add_mode(run)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.sweep.latency import run_latency

    return run_latency(args)
