"""`mpvss-bench latency`: its options. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.cli import check, options

TEXT = """\
Measure how long methods take: key and non-key frames told apart, with the precision of every median known. The methods
of a backbone take turns in a process, in a random order that changes with every round; several processes run one after
the other, since each is fast or slow as a whole. Written: every sample,
p50, p90, p99 and mean, FPS over a clip of 15 frames at each interval, the share of frames over a deadline, peak
memory, and on a CUDA device energy and what the card did meanwhile (clocks, temperature, throttling).
"""

NOTES = """\
scopes (--scopes); all but the last run one frame at a time:
  model   from the frame on the device to the scores of all classes on the device
  labels  from the frame on the device to the label map on the host
  video   from decoding the frame to the label map on the host; for video:PATH and folder:PATH without labels
  throughput  frames a second of --batch streams at once. A method takes one frame at a time, so frames are not stacked:
              each index of the clip is issued for every stream in turn, and the device is waited for once a pass.
              Label maps stay on the device. On a CPU nothing runs ahead, so this is the labels scope by another name

protocols (--protocol):
  precise  rounds of one pass over the clip (its first 15 frames, key frames at 0, 5, 10), after a warm-up that ends
           when the medians of two successive rounds differ by 5 % at most (5 rounds at most); until the 95 % interval
           of every median, a binomial one of order statistics, is narrow enough and has enough samples, or time is up;
           so in each of the processes, which share the samples and the time
  paper    the paper's: batch 1, clips of 15 frames, three repeats; after one round of warm-up

A quantile is given where one sample or more is expected beyond it: p90 of 10 samples, p99 of 100.
An interrupted run resumes with the backbones that are missing when you rerun the command.

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
        help="time key and non-key frames to a target precision",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results")
    check.add_check(parser)
    what = add_measured(parser)
    what.add_argument(
        "--deadline",
        type=float,
        action="append",
        metavar="MS",
        help="deadline of a frame in ms; may be repeated (default: of 30 and 60 Hz, and of the data's frame rate)",
    )
    how = parser.add_argument_group("how precisely")
    how.add_argument("--protocol", choices=("precise", "paper"), default="precise", help="default: precise")
    how.add_argument(
        "--precision", type=float, metavar="X", help="width of a median's interval over the median (default: 0.02)"
    )
    how.add_argument("--samples", type=int, metavar="N", help="of each kind of frame at least (default: 30)")
    how.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help="seconds for a backbone over all processes, starting, building and warm-up included; each process times "
        "one round in any case (default: 180)",
    )
    how.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="processes, one after the other, that share samples and time (default: 5; protocol paper: 1)",
    )
    parser.set_defaults(run=_run, resumes=True)


def add_measured(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add what is timed, and how it is run; the group of what is timed."""
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
    what.add_argument(
        "--scopes", default=["labels"], help="of model, labels, video, throughput (default: labels)", **names
    )
    what.add_argument(
        "--batch", type=int, default=1, metavar="N", help="streams at once in scope throughput (default: 1)"
    )
    options.add_weights(what)
    data = parser.add_argument_group("data, of which the first 15 frames of the first clip are run (see sweep)")
    options.add_data(data)
    data.add_argument(
        "--size",
        type=options.sizes,
        metavar="LIST",
        help="HEIGHTxWIDTH that frames are made at or resized to (default: as the data has them, 192x320 of what is "
        "made up). Of several, each has its run in DIR/HEIGHTxWIDTH, and DIR the curve of time against size",
    )
    run = parser.add_argument_group("how to run")
    options.add_device(run)
    run.add_argument("--execution", choices=("lean", "paper"), default="lean", help="the graph (default: lean)")
    options.add_mode(run)
    return what


def _run(args: argparse.Namespace) -> int:
    if args.check:
        return check.check([(args.data, args.labels, args.classes)])
    check.require_out(args)
    from bench.report.times import write_curve, write_times
    from bench.sweep import latency, latency_at_sizes

    settings: dict[str, Any] = {
        "methods": args.methods,
        "backbones": args.backbones,
        "intervals": args.intervals,
        "scopes": args.scopes,
        "batch": args.batch,
        "deadlines_ms": args.deadline,
        "data": args.data,
        "labels": args.labels,
        "classes": args.classes,
        "weights": args.weights,
        "protocol": args.protocol,
        "precision": args.precision,
        "samples": args.samples,
        "time_limit": args.time_limit,
        "processes": args.processes,
        "execution": args.execution,
        "mode": options.mode_of(args),
        "seed": args.seed,
        "device": args.device,
        "threads": args.threads,
        "command": options.command(),
    }
    if args.size is None or len(args.size) == 1:
        outcomes = [latency(args.out, size=args.size[0] if args.size else None, **settings)]
    else:
        outcomes = latency_at_sizes(args.out, args.size, **settings)
    texts = [write_times(outcome.path) for outcome in outcomes]
    print(texts[0] if len(texts) == 1 else write_curve(args.out), end="")
    return options.end([key for outcome in outcomes for key in outcome.failed], args.out)
