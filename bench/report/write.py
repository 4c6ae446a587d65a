"""The report of one or more runs: a page of tables, the same as CSV, and plots. From files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from bench.report.plots import UNTRAINED, plot_accuracy_against_interval
from bench.report.tables import Cell, class_iou, distance_table, further_table, main_table, miou_by_distance
from bench.results import read_configuration, read_run

PLOT = "accuracy_against_interval"

NOTES = """\
- mIoU averages the classes that occur in the labels, WIoU weights them by their pixels; both come from one
  confusion matrix over all frames. mVC8 and mVC16 are what the VSPW scripts compute. A dash is something that
  was not measured.
- GMACs are 10^9 multiply-accumulates (half of GFLOPs) of a frame, the mean over a clip of 15 frames at the
  interval.
- FPS (labels) runs from the frame on the device to the label map on the host, batch 1; it follows from the
  mean times of key and other frames over the same clip. Times and peak memory are taken once for a method and
  backbone.
- Peak host memory is the resident set of the whole process while the method was timed.
"""
DISTANCE_NOTE = """\
- Where single frames are labelled, key frames are put at every distance 0 to interval - 1 before them. mIoU and the
  measures beside it are then means over the distances, of which each has its own confusion matrix; mVC needs successive
  labels and is not measured.
"""
UNTRAINED_NOTE = """\
> **Rows marked `untrained` have random weights: their accuracy says nothing about the method.** Their cost
> and speed do not depend on the weights.
"""


def write_report(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write `report.md`, `cells.csv`, `class_iou.csv` and the plots into `out`; the files written.

    `miou_by_distance.csv` comes with them where a run was scored by distance from the key frame.

    Raises:
        ValueError: a folder that is no run, is damaged or of a schema that is not known, has no cell yet, or
            has the name of another.
    """
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"the runs {', '.join(map(str, runs))} share a name; rename one of the folders")
    tables, classes, sections = [], [], []
    every_cell: list[Cell] = []
    for run, name in zip(runs, names, strict=True):
        table = read_run(run).assign(run=name)
        if table.empty:
            raise ValueError(f"{run} has no cell yet; run the sweep first")
        about = read_configuration(run)
        cells = [{str(field): value for field, value in cell.items()} for cell in table.to_dict("records")]
        tables.append(table)
        every_cell += cells
        classes.append(class_iou(cells, about["configuration"]["classes"]))
        sections.append(_section(name, cells, about))
    out.mkdir(parents=True, exist_ok=True)
    every_table = pd.concat(tables, ignore_index=True)
    plots = plot_accuracy_against_interval(every_cell, out / PLOT)
    if plots:
        picture = f"![mIoU against the key-frame interval]({PLOT}.png)"
    else:
        picture = "No cell has an accuracy (no labels, or every cell failed), so there is no plot of it."
    warning = UNTRAINED_NOTE if any(cell["weights"] == UNTRAINED for cell in every_cell) else ""
    distances = miou_by_distance(every_cell)
    notes = NOTES if distances.empty else NOTES + DISTANCE_NOTE
    page = ["# Sweep report", warning, picture, *sections, "## How to read it", notes]
    files = [out / "report.md", out / "cells.csv", out / "class_iou.csv"]
    files[0].write_text("\n\n".join(part.strip("\n") for part in page if part) + "\n")
    every_table.drop(columns=["class_iou", "miou_by_distance"], errors="ignore").to_csv(files[1], index=False)
    pd.concat(classes, ignore_index=True).to_csv(files[2], index=False)
    if not distances.empty:
        files.append(out / "miou_by_distance.csv")
        distances.to_csv(files[-1], index=False)
    return [*files, *plots]


def _section(name: str, cells: Sequence[Cell], about: Mapping[str, Any]) -> str:
    parts = [f"## {name}", _setting(about)]
    for backbone, group in groupby(cells, key=lambda cell: cell["backbone"]):
        rows = list(group)
        failed = sum(cell["status"] != "ok" for cell in rows)
        parts.append(f"### {backbone}" + (f" ({failed} of {len(rows)} cells failed)" if failed else ""))
        parts += [main_table(rows), "Further measures:", further_table(rows)]
        by_distance = distance_table(rows)
        if by_distance:
            parts += ["mIoU (%) by the number of frames since the key frame:", by_distance]
    return "\n\n".join(parts)


def _setting(run: Mapping[str, Any]) -> str:
    configuration = run["configuration"]
    environment = run["starts"][-1]["environment"]
    limits = [
        f"the first {configuration[name]} {what}"
        for name, what in (("clips", "clips"), ("frames", "frames of each clip"))
        if configuration[name] is not None
    ]
    lines = [
        f"- Data: `{configuration['data']}`" + "".join(f", {limit}" for limit in limits),
        f"- {len(configuration['classes'])} classes, {configuration['repeats']} timed repeats, "
        f"execution `{configuration['execution']}`, seed {configuration['seed']}",
        f"- {environment['device']} · {environment['cpu']} · {environment['threads']} threads · "
        f"torch {environment['libraries']['torch']} · Python {environment['python']} · {environment['os']}",
        f"- {environment['date']}, commit {environment['commit'] or 'unknown'}: `{run['starts'][-1]['command']}`",
    ]
    return "\n".join(lines)
