"""`mpvss-bench profile`: where the time of a frame goes."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options

TEXT = """\
Run a method over a made-up clip under torch's profiler, and write where the time of key and of non-key frames goes: by
stage and by operator, with multiply-accumulates, achieved rates and how far they are from what this machine reaches
at most. Nothing here is a speed: the profiler slows work down. See `latency` for that.
"""
NOTES = """\
written to DIR: profile.md (to read), profile.json (all numbers), stages.csv, kernels.csv, roofline and memory plots
(PNG, SVG), and trace.pt.trace.json.gz, which Perfetto opens and, with torch-tb-profiler, `tensorboard --logdir DIR`.

stages: backbone, pixel decoder, query decoder, motion encoder, motion decoder, flow head, warp, semantic inference,
transfer; what is outside of them is `segment` or `propagate`. A method of your own marks stages with
`mpvss.stages.stage`.

examples:
  mpvss-bench profile mpvss --out results/runs/profile
  mpvss-bench profile optical-flow@fine-tuned --weights shipped --size 192x320 --out results/runs/profile
  mpvss-bench profile accel --backbone r101+r50 --size 1024x2048 --classes 19 --device cuda --out results/runs/profile
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "profile",
        help="where the time of key and non-key frames goes, by stage and operator",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "method", metavar="METHOD", help="METHOD[@LABEL]: the project's own, or one that a package adds"
    )
    parser.add_argument("--backbone", default="micro", help="default: micro; for Accel also KEY+OTHER")
    parser.add_argument("--size", type=options.size, default=(480, 853), metavar="HxW", help="default: 480x853")
    parser.add_argument("--classes", type=int, metavar="N", help="default: the weights', or 124 where they are random")
    options.add_weights(parser)
    parser.add_argument("--interval", type=int, default=5, metavar="N", help="key-frame interval (default: 5)")
    parser.add_argument("--frames", type=int, default=6, metavar="N", help="frames to profile (default: 6)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    parser.add_argument(
        "--max-trace-mb",
        type=float,
        default=50,
        metavar="MB",
        help="of the compressed trace (default: 50); to keep to it, shapes are dropped first, then memory events, then "
        "frames after the first of each kind, then operators",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="an empty folder, or a profile's")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.methods.device import select_device, set_threads
    from bench.profiling.run import profile

    set_threads(args.threads)
    report = profile(
        args.method,
        args.out,
        backbone=args.backbone,
        size=args.size,
        num_classes=args.classes,
        weights=args.weights,
        seed=args.seed,
        interval=args.interval,
        frames=args.frames,
        device=select_device(args.device),
        max_trace_mb=args.max_trace_mb,
        command=options.command(),
    )
    print(f"{report.text}\nwritten: {report.folder}")
    return 0
