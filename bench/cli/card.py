"""`mpvss-bench card`: its options. Imports nothing heavy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli import options

TEXT = """\
Measure the card that this runs on, all that the FPS columns of the paper's Tables 1 and 2 need, in about 25 minutes on
one data-centre GPU. Nothing else should use the card meanwhile. Each cell is written when it is measured: rerun the
command to resume, and to try again what failed.
"""
NOTES = """\
parts (--parts), in this order:
  labels      every method gives the same labels on the CPU and on the card
  fps         every row of Tables 1 and 2 that is built here, by the paper's protocol: 15 frames, interval 5, batch 1,
              three rounds, scope model; key and non-key frames apart, with energy and peak memory
  modes       AMP, TF32, channels-last, CUDA graphs and torch.compile, one at a time
  peer        beside the transformers library's Mask2Former (the backbones that are a Swin)
  profile     kernels of key and non-key frames
  prediction  how far predicted speeds are off on this card

All is in float32 without TF32, which the paper's V100 has not, and with random weights. A part whose package is not
installed fails, and the others are measured. Written: card.json, cells/*.json, peer-*.json, profile-*/ and summary.md.
`mpvss-bench report results/measured` shows each card beside the paper's V100.

examples:
  mpvss-bench card
  mpvss-bench card --parts fps --rows MPVSS,Mask2Former
  mpvss-bench card --device cpu --size 96x160
      a try of all of it on a CPU, on small frames and with one round
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "card",
        help="all measurements of one GPU, for the paper's FPS columns",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="default: cuda")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="default: results/measured/card-NAME after the device; results/runs/card-NAME for a try, with --size or "
        "on a CPU",
    )
    names = {"type": options.names, "metavar": "LIST"}
    parser.add_argument("--parts", help="see below (default: all)", **names)
    parser.add_argument("--rows", help="methods of the tables, as the paper calls them (default: all)", **names)
    parser.add_argument(
        "--backbones",
        default=["r50", "swin-t"],
        help="of labels, modes, peer and profile (default: r50,swin-t)",
        **names,
    )
    parser.add_argument(
        "--size", type=options.size, metavar="HxW", help="of every frame, for a try (default: those of the tables)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="timed rounds (default: the paper's 3; 1 with --size)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, frames and order (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    from bench.card.needs import check_needs

    check_needs((), args.device)  # before the imports that would fail
    from bench.card.run import card

    outcome = card(
        args.out,
        device=args.device,
        parts=args.parts,
        rows=args.rows,
        backbones=args.backbones,
        size=args.size,
        rounds=args.rounds,
        seed=args.seed,
        threads=args.threads,
        command=options.command(),
    )
    print(outcome.text)
    print(f"written: {outcome.folder}", file=sys.stderr)
    return options.end(outcome.failed, outcome.folder)
