"""What `mpvss-bench cost` prints of counts: methods, the paper's cells, and other counters."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any


def print_costs(args: argparse.Namespace) -> int:
    """Print methods' costs, and what of them is not counted; the exit status, 0."""
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
    write_costs(args.json, {"height": height, "width": width, **setting, "rows": [asdict(row) for row in rows]})
    return 0


def print_paper(json_file: Path | None) -> int:
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
    write_costs(json_file, {"tolerance": TOLERANCE, "cells": content})
    return 1 if counts["off"] else 0


def print_counters(args: argparse.Namespace) -> int:
    """Print each stage's MACs by several counters; the exit status, 0."""
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
    write_costs(args.json, {"height": height, "width": width, "num_classes": args.classes, "stages": stages})
    return 0


def write_costs(file: Path | None, content: dict[str, Any]) -> None:
    """Write a record of costs, where a file is named."""
    if file is not None:
        import msgspec

        from bench.runs.record_file import write_record
        from bench.runs.records.cost import CostRecord

        write_record(file, msgspec.convert(content, CostRecord))
        print(f"written: {file}")
