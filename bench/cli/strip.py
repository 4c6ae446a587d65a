"""`mpvss-bench strip`: pictures of what methods predict, for eyes and for reports."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options, status

EXAMPLES = """\
examples:
  mpvss-bench strip --weights shipped --data synthetic --clip 3 --out results/runs/demo/pictures
  mpvss-bench strip --methods per-frame,mpvss --backbone swin-t --weights swin-t=mask2former.pth \\
      --weights swin-t/mpvss=mpvss.pth --data vspw:data/VSPW_480p --frames 0,3,6,9 --interval 10 --out pictures

A report shows the pictures that it finds under RUN/pictures/.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "strip",
        help="pictures: frames, ground truth and predictions; a query's flow",
        description="Draw frames of a clip above each other with the ground truth and what each method predicts. Where "
        "MPVSS and optical flow are among the methods, draw besides the flow of one of MPVSS's queries, and the "
        "optical flow.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the pictures")
    parser.add_argument(
        "--methods",
        type=options.names,
        default=["per-frame", "optical-flow", "mpvss"],
        metavar="LIST",
        help="METHOD or METHOD@LABEL, as in a sweep (default: per-frame,optical-flow,mpvss)",
    )
    parser.add_argument("--backbone", default="micro", help="default: micro")
    options.add_weights(parser)
    parser.add_argument("--interval", type=int, default=5, metavar="N", help="key-frame interval (default: 5)")
    parser.add_argument("--clip", type=int, default=0, metavar="N", help="which clip of the data, from 0 (default: 0)")
    parser.add_argument(
        "--frames",
        type=options.integers,
        default=[0, 1, 2, 4],
        metavar="LIST",
        help="which frames of the clip, from 0 (default: 0,1,2,4)",
    )
    parser.add_argument("--data", default="synthetic", metavar="SPEC", help="as in a sweep (default: synthetic)")
    parser.add_argument("--labels", metavar="DIR", help="label maps for folder:PATH")
    parser.add_argument("--classes", type=int, metavar="N", help="number of classes, where the data does not say")
    options.add_device(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.evaluate.schedule import FixedInterval
    from bench.methods.setup import set_up
    from bench.pictures.draw import draw_pictures

    schedule = FixedInterval(args.interval)
    setup = set_up(
        methods=args.methods,
        backbones=[args.backbone],
        data=args.data,
        labels=args.labels,
        classes=args.classes,
        weights=args.weights,
        seed=args.seed,
        device=args.device,
        threads=args.threads,
        ground_truth_flow=False,
    )
    clip = setup.clip(args.clip)
    built = setup.build_all(args.backbone)
    files = draw_pictures(
        args.out,
        clip=clip,
        indices=args.frames,
        schedule=schedule,
        segmenters={built.title(row): segmenter for row, segmenter in built.segmenters.items()},
        class_names=setup.dataset.class_names,
        palette=setup.palette,
        device=setup.device,
    )
    for file in files:
        print(file)
    return status.DONE
