"""What `mpvss-bench cost` prints of predicted speeds: on named devices, of the paper, and on the CPU that is here."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.cost_tables import write_costs
from mpvss.errors import UserError

if TYPE_CHECKING:
    from bench.measure.predict.cpu_model import CpuModel


def print_speeds(args: argparse.Namespace) -> int:
    """Print predicted speeds of methods; the exit status, 0."""
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
    write_costs(args.json, {"height": height, "width": width, **setting, "predicted": [asdict(row) for row in rows]})
    return 0


def print_published_speeds(args: argparse.Namespace) -> int:
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
    write_costs(args.json, {"speeds": [{**asdict(x), "error": x.error} for x in speeds]})
    print(
        f"\n{others} cells not fitted: mean error {mean:.1%} (allowed {MEAN_BOUND:.0%}), largest {largest:.1%} "
        f"(allowed {LARGEST_BOUND:.0%})"
    )
    return 0 if mean <= MEAN_BOUND and largest <= LARGEST_BOUND else 1


def print_fit(json_file: Path | None) -> int:
    """Print measured times beside predicted ones; 1 if one of the networks held out is off by more than is wanted."""
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


def _fitted_model(file: Path) -> CpuModel:
    from bench.measure.predict.cpu_record import model_of
    from bench.runs.record_file import read_record
    from bench.runs.records.predict import PredictRecord

    return model_of(read_record(file, PredictRecord))
