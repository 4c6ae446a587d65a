"""`mpvss-bench cost`: parameters and multiply-accumulates, without running anything."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import options
from mpvss.errors import UserError

if TYPE_CHECKING:
    from bench.measure.predict.cpu_model import CpuModel

EXAMPLES = """\
examples:
  mpvss-bench cost
  mpvss-bench cost --methods per-frame,mpvss --backbones swin-t,swin-l --size 1024x2048 --classes 19
  mpvss-bench cost --methods accel --backbones r101+r50 --size 1024x2048 --classes 19
  mpvss-bench cost --paper
  mpvss-bench cost --counters --methods mpvss --backbones swin-t
  mpvss-bench cost --fps v100,a100,orin --methods per-frame,mpvss --backbones swin-t
  mpvss-bench cost --paper --fps v100
  mpvss-bench cost --fit cpu --json predict-cpu.json
  mpvss-bench cost --fps cpu --fitted predict-cpu.json --methods mpvss --backbones micro --size 192x320 --classes 12

One MAC is one multiply-accumulate; the paper's GFLOPs are GMACs. Of the two graphs, `paper` is the published
one and `lean` computes only what is used; both give the same labels. Counted are the operators that torch executes,
by their shapes alone; of `paper`, those that the labels are made of, as the paper counts. Not counted are activations,
softmax, additions, argmax and copies. A method that cannot run on shapes is run once on the CPU, and where it leaves
torch is named.

--fps predicts speed on devices that are not here, by name: each operator takes the longest of its arithmetic at a share
of the device's peak, its bytes at a share of its bandwidth, and the launch. The shares are fitted to 8 of the paper's
speeds on a V100, and taken to hold elsewhere. Predicted figures have a ~ before them. With --paper, all 24 of the
paper's are beside their predictions; exit status 1 if the 16 that were not fitted are off by over 6 % in the mean or
12 % at most. Networks run eagerly: with CUDA graphs, which start all kernels at once, they are faster than predicted.

--fit cpu runs four networks on one thread here, operator by operator, fits to them, and predicts 16 others, which it
runs too; exit status 1 if a frame of the 8 that were never looked at is off by over 15 %. --fps cpu --fitted FILE
predicts other methods from that file.
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
        help="count every cell of the paper's Tables 1 and 2 beside the printed figure; exit status 1 if one is off",
    )
    parser.add_argument(
        "--counters",
        action="store_true",
        help="MACs of each stage of the lean graph by fvcore, thop, torch's FlopCounterMode and the project's own "
        "count of what is executed, and what each leaves out",
    )
    parser.add_argument("--fps", type=options.names, metavar="DEVICES", help="predict FPS: v100, a100, h100, cpu, ...")
    parser.add_argument("--fit", choices=("cpu",), help="measure and fit the CPU that is here, with one thread")
    parser.add_argument("--fitted", type=Path, metavar="FILE", help="with --fps cpu: what --fit cpu --json wrote")
    parser.add_argument("--devices", type=Path, metavar="FILE", help="TOML of more devices for --fps, as devices.toml")
    parser.add_argument(
        "--precision",
        choices=("float32", "tf32", "float16"),
        default="float32",
        help="number format of --fps (default: float32)",
    )
    parser.add_argument(
        "--graph", choices=("lean", "paper"), default="lean", help="the graph whose FPS is predicted (default: lean)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.counters and (args.paper or args.fps):
        raise UserError("--counters is a table of its own; give it without --paper and --fps")
    if args.fit and (args.paper or args.fps or args.counters):
        raise UserError("--fit measures networks of its own; give it without --paper, --fps and --counters")
    if args.fitted and (args.fps != ["cpu"] or args.paper or args.precision != "float32"):
        raise UserError("--fitted is of a CPU in float32; give it with --fps cpu alone")
    if args.devices and not args.fps:
        raise UserError("--devices adds to what --fps can name; give --fps too")
    if args.counters:
        return _print_counters(args)
    if args.fit:
        return _fit_cpu(args.json)
    if args.fps:
        return _print_published_speeds(args) if args.paper else _print_speeds(args)
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
        if row.most_non_key_macs is not None:
            least, most = (macs / 1e9 for macs in (row.lean_non_key_macs, row.most_non_key_macs))
            print(
                f"{row.method}: what is in a non-key frame decides its cost, {least:.2f} to {most:.2f} GMACs; "
                "the least is counted"
            )
    _write(args.json, {"height": height, "width": width, **setting, "rows": [asdict(row) for row in rows]})
    return 0


def _print_paper(json_file: Path | None) -> int:
    """Print every cell as it is counted; 1 if one is off, else 0."""
    from bench.measure.count.paper import TOLERANCE, paper_cells

    cells = []
    for cell in paper_cells():
        row = f"Table {cell.table}  {cell.method:18} {cell.backbone:14} {cell.quantity:9}"
        printed = f"{cell.printed:9.1f} printed"
        status = "OFF" if cell.is_off else cell.status
        words = cell.note if cell.status == "misprint" else ": ".join(filter(None, (status, cell.note)))
        print(f"{row}{printed} {cell.counted:9.2f} counted {cell.deviation:+9.2%}  {words}", flush=True)
        if not cell.is_off and cell.status != "agrees" and cell.what:
            print(f"{'':71}{cell.what}")
        for other in cell.others:
            print(f"{'':{len(row) + len(printed)}} {other.counted:9.2f}         {other.deviation:+9.2%}  {other.what}")
        cells.append(cell)
    counts = Counter(cell.status for cell in cells)
    limits = ", ".join(f"{quantity} {limit:.1%}" for quantity, limit in TOLERANCE.items())
    print(
        f"\n{len(cells)} cells: {counts['agrees']} agree, {counts['explained']} are of another tool or configuration, "
        f"{counts['misprint']} misprints, {counts['contradiction']} contradictions, {counts['off']} off "
        f"(tolerance: {limits}, or the printed digits)"
    )
    content = [{**asdict(c), "deviation": c.deviation, "status": c.status} for c in cells]
    for cell in content:
        del cell["is_contradiction"]
    _write(json_file, {"tolerance": TOLERANCE, "cells": content})
    return 1 if counts["off"] else 0


def _print_speeds(args: argparse.Namespace) -> int:
    from bench.measure.predict.speeds import as_markdown, predict

    setting = {"num_classes": args.classes, "interval": args.interval, "clip_length": args.clip_length}
    rows = predict(
        args.methods,
        devices=args.fps,
        backbones=args.backbones,
        size=args.size,
        precision=args.precision,
        graph=args.graph,
        devices_file=args.devices,
        cpu=_fitted_model(args.fitted) if args.fitted else None,
        **setting,
    )
    height, width = args.size
    mean = f"mean at interval {args.interval} over {args.clip_length} frames"
    print(f"Predicted, not measured: {height}x{width}, {args.classes} classes, run eagerly; {mean}\n")
    print(as_markdown(rows))
    _write(args.json, {"height": height, "width": width, **setting, "predicted": [asdict(row) for row in rows]})
    return 0


def _fitted_model(file: Path) -> CpuModel:
    from bench.measure.predict.cpu_record import model_of
    from bench.runs.record_file import read_record
    from bench.runs.records.predict import PredictRecord

    return model_of(read_record(file, PredictRecord))


def _fit_cpu(json_file: Path | None) -> int:
    """Print measured times beside predicted ones; 1 if one of the networks held out is off by more than is wanted."""
    import sys

    from bench.measure.predict.cpu import BOUND, ROLES, fit_this_cpu
    from bench.measure.predict.cpu_record import record_of
    from bench.runs.record_file import write_record

    fitted = fit_this_cpu(tick=lambda text: print(text, file=sys.stderr, flush=True))
    for frame in fitted.frames:
        print(
            f"{frame.network!s:55} {frame.kind:8} {1000 * frame.measured:8.2f} ms measured  "
            f"~{1000 * frame.predicted:8.2f} predicted  {frame.error:+6.1%}  {frame.role}"
        )
    for role in ROLES:
        mean, largest = fitted.errors(role)
        print(f"{role}: mean error of a frame {mean:.1%}, largest {largest:.1%}")
    if json_file is not None:
        write_record(json_file, record_of(fitted))
        print(f"written: {json_file}")
    return 0 if fitted.errors()[1] <= BOUND else 1


def _print_published_speeds(args: argparse.Namespace) -> int:
    """Print the paper's speeds beside their predictions; 1 if those not fitted are off by more than is allowed."""
    from bench.measure.predict.published import (
        DEVICE,
        LARGEST_BOUND,
        MEAN_BOUND,
        errors_of,
        published_speeds,
        solved_frames,
    )

    if args.fps != [DEVICE]:
        raise UserError(f"the paper's speeds are of a {DEVICE}; give --fps {DEVICE}, not {','.join(args.fps)}")
    speeds = published_speeds(precision=args.precision)
    for speed in speeds:
        print(
            f"Table {speed.table}  {speed.method:12} {speed.backbone:7} {speed.published_fps:6.2f} published FPS  "
            f"~{speed.predicted_fps:5.2f} predicted  {speed.error:+6.1%}  {'fitted' if speed.fitted else ''}".rstrip()
        )
    print("\nNon-key frames, solved out of each pair of published speeds:")
    for frame in solved_frames():
        print(f"Table {frame.table}  {frame.backbone:7} key {frame.key_ms:6.1f} ms  non-key {frame.non_key_ms:5.1f} ms")
    mean, largest = errors_of(speeds)
    others = sum(not speed.fitted for speed in speeds)
    _write(args.json, {"speeds": [{**asdict(x), "error": x.error} for x in speeds]})
    print(
        f"\n{others} cells not fitted: mean error {mean:.1%} (allowed {MEAN_BOUND:.0%}), largest {largest:.1%} "
        f"(allowed {LARGEST_BOUND:.0%})"
    )
    return 0 if mean <= MEAN_BOUND and largest <= LARGEST_BOUND else 1


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
