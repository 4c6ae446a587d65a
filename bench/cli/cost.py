"""`mpvss-bench cost`: parameters and multiply-accumulates, without running anything."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cli import options
from mpvss.errors import UserError

EXAMPLES = """\
examples:
  mpvss-bench cost
  mpvss-bench cost --methods per-frame,mpvss --backbones swin-t,swin-l --size 1024x2048 --classes 19
  mpvss-bench cost --methods accel --backbones r101+r50 --size 1024x2048 --classes 19
  mpvss-bench cost --paper
  mpvss-bench cost --counters --methods mpvss --backbones swin-t

One MAC is one multiply-accumulate; the paper's GFLOPs are GMACs. Of the two graphs, `paper` is the published
one and `lean` computes only what is used; both give the same labels. Counted are the operators that torch executes,
by their shapes alone; of `paper`, those that the labels are made of, as the paper counts. Not counted are activations,
softmax, additions, argmax and copies. A method that cannot run on shapes is run once on the CPU, and where it leaves
torch is named.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "cost",
        help="parameters and multiply-accumulates, without running anything",
        description="Print the parameters of methods, and the multiply-accumulates of their key frames, of their "
        "non-key frames and of a clip's mean frame.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--methods", type=options.names, metavar="LIST", help="default: all the project's own")
    parser.add_argument(
        "--backbones",
        type=options.names,
        default=["r50"],
        metavar="LIST",
        help="default: r50. Accel takes KEY+OTHER, or a backbone whose usual companion runs on every frame",
    )
    parser.add_argument("--size", type=options.size, default=(480, 853), metavar="HxW", help="default: 480x853")
    parser.add_argument("--classes", type=int, default=124, metavar="N", help="default: 124")
    parser.add_argument("--interval", type=int, default=5, metavar="N", help="key-frame interval (default: 5)")
    parser.add_argument("--clip-length", type=int, default=15, metavar="N", help="frames (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    parser.add_argument(
        "--paper",
        action="store_true",
        help="count every cell of the paper's Tables 1 and 2 that is built here, beside the printed figure; "
        "exit status 1 if one is off",
    )
    parser.add_argument(
        "--counters",
        action="store_true",
        help="MACs of each stage of the lean graph by fvcore, thop, torch's FlopCounterMode and the project's own "
        "count of what is executed, and what each leaves out",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.paper and args.counters:
        raise UserError("--paper and --counters are two tables; give one of them")
    if args.counters:
        return _print_counters(args)
    return _print_paper(args.json) if args.paper else _print_costs(args)


def _print_costs(args: argparse.Namespace) -> int:
    from bench.measure.count.table import as_markdown, cost

    setting = {"num_classes": args.classes, "interval": args.interval, "clip_length": args.clip_length}
    rows = cost(args.methods, backbones=args.backbones, size=args.size, **setting)
    height, width = args.size
    print(
        f"{height}x{width}, {args.classes} classes; mean at interval {args.interval} over {args.clip_length} frames\n"
    )
    print(as_markdown(rows))
    for row in rows:
        for place in row.not_counted:
            print(f"{row.method} leaves torch, and what it does there is not counted: {place}")
    _write(args.json, {"height": height, "width": width, **setting, "rows": [asdict(row) for row in rows]})
    return 0


def _print_paper(json_file: Path | None) -> int:
    """Print every cell as it is counted; 1 if one is off, else 0."""
    from bench.measure.count.paper import TOLERANCE, paper_cells

    cells = []
    for cell in paper_cells():
        flag = "OFF" if cell.is_off else cell.note or "ok"
        print(
            f"Table {cell.table}  {cell.method:18} {cell.backbone:14} {cell.quantity:9}"
            f"{cell.printed:9.1f} printed {cell.counted:9.2f} counted {cell.deviation:+8.2%}  {flag}",
            flush=True,
        )
        cells.append(cell)
    off = sum(cell.is_off for cell in cells)
    limits = ", ".join(f"{quantity} {limit:.1%}" for quantity, limit in TOLERANCE.items())
    print(f"\n{len(cells)} cells, {off} off by more than the tolerance ({limits})")
    _write(json_file, {"tolerance": TOLERANCE, "cells": [{**asdict(c), "deviation": c.deviation} for c in cells]})
    return 1 if off else 0


def _print_counters(args: argparse.Namespace) -> int:
    from bench.measure.count.by_stage_table import counters

    height, width = args.size
    print(
        f"GMACs of the lean graph at {height}x{width}, {args.classes} classes; torch is FlopCounterMode, halved. "
        "thop counts transposed convolutions too high."
    )
    stages = []
    for frame in counters(args.methods, backbones=args.backbones, size=args.size, num_classes=args.classes):
        print(f"\n{frame.text()}", flush=True)
        stages += frame.records()
    _write(args.json, {"height": height, "width": width, "num_classes": args.classes, "stages": stages})
    return 0


def _write(file: Path | None, content: dict[str, Any]) -> None:
    if file is not None:
        import msgspec

        from bench.runs.record_file import write_record
        from bench.runs.records.cost import CostRecord

        write_record(file, msgspec.convert(content, CostRecord))
        print(f"written: {file}")
