"""`mpvss-bench train`: its arguments."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import check, options, status
from bench.train.tables import preset_names

if TYPE_CHECKING:
    from bench.train.configuration import DataConfig

TEXT = """\
Train a method by a configuration: a TOML file of yours, or one of the presets. A file that begins with
`extends = "NAME"` changes values of a preset, or of a file beside it. OUT gets model.safetensors, which --weights of
the other commands takes; training.json, how the weights were produced; history.csv; TensorBoard's files and
checkpoint.pt. A stopped run resumes when you rerun the command, and ends with the weights of an uninterrupted run.
"""
EXAMPLES = """\
examples:
  mpvss-bench train small-per-frame --out results/runs/small-per-frame
  mpvss-bench train small-flownets --out results/runs/small-flownets
  mpvss-bench train small-mpvss --out results/runs/small-mpvss \\
      --set 'model.start=["results/runs/small-per-frame/model.safetensors",
                          "results/runs/small-flownets/model.safetensors"]'
  mpvss-bench train paper-vspw --device cuda --out results/runs/vspw \\
      --set data.train=vspw:data/VSPW_480p,split=train --set data.validation=vspw:data/VSPW_480p \\
      --set 'model.start=["mask2former_swin_t.pth"]'
  torchrun --nproc-per-node 8 -m bench train paper-cityscapes --device cuda --out results/runs/cityscapes
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    presets = ", ".join(preset_names())
    parser = commands.add_parser(
        "train",
        help="train a method",
        description=TEXT,
        epilog=f"presets: {presets}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="a TOML file, or the name of a preset")
    parser.add_argument("--out", type=Path, metavar="OUT", help="folder of the run")
    check.add_check(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="a value of the configuration, in TOML (text may go without quotes); may be repeated",
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    from bench.methods.device import select_device, set_threads
    from bench.train.read_config import read_config
    from bench.train.run import train

    config = read_config(args.config, args.set)
    if args.check:
        return _check(config.data)
    check.require_out(args)
    set_threads(args.threads)
    train(config, args.out, select_device(args.device), command=options.command())
    return status.DONE


def _check(data: DataConfig) -> int:
    """Look at what training and validation read; flying shapes are drawn on the spot."""
    both = ((data.train, data.train_labels), (data.validation, data.validation_labels))
    on_disk = ((spec, labels) for spec, labels in both if not spec.startswith("flying-shapes"))
    return check.check((spec, labels or None, data.classes or None) for spec, labels in on_disk)
