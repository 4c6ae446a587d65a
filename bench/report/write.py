"""The report of runs and counted costs: a page, a text, tables, figures and raw values. From files alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from bench.plotting import METADATA
from bench.report.contents import Report, make_report
from bench.report.page.page import make_page
from bench.report.player.player import PAGE as PLAYER_PAGE
from bench.report.player.player import Player, data_of_runs, make_player
from bench.report.study import Study, StudyRun, picture_title, read_study
from bench.report.summary import setting_lines, summary, warning
from bench.report.tables.formats import FORMATS as SHEET_FORMATS
from bench.report.tables.formats import as_markdown
from bench.report.tables.tables import as_text, class_iou, distance_table, further_table, main_table, miou_by_distance
from bench.runs.files import make_folder, read_bytes, write_atomically
from bench.runs.lease import sole_writer
from mpvss.errors import UserError

FORMATS = (*SHEET_FORMATS, *METADATA)
"""Endings of the files that a report consists of: html, md, tex and csv of tables, svg and png of figures."""
TABLES, FIGURES, PICTURES = "tables", "figures", "pictures"

NOTES = """\
- mIoU averages the classes that occur in the labels, WIoU weights them by their pixels; both come from one
  confusion matrix over all frames. mVC8 and mVC16 are what the VSPW scripts compute. A dash is something that
  was not measured.
- In brackets: the 95 % interval, from a bootstrap over the clips.
- GMACs are 10^9 multiply-accumulates (half of GFLOPs) of a frame, the mean over a clip of 15 frames at the
  interval.
- FPS (labels) runs from the frame on the device to the label map on the host, batch 1; it follows from the
  mean times of key and non-key frames over the same clip. Times and peak memory are taken once for a method and
  backbone.
- Peak host memory is the resident set of the whole process while the method was timed.
"""
DISTANCE_NOTE = """\
- Where single frames are labelled, key frames are put at every distance 0 to interval - 1 before them. mIoU and the
  measures beside it are then means over the distances, of which each has its own confusion matrix; mVC needs successive
  labels and is not measured.
"""


def report(
    runs: Sequence[Path | str],
    out: Path | str,
    formats: Sequence[str] = FORMATS,
    *,
    data: str | None = None,
    labels: str | None = None,
    classes: int | None = None,
    play: int = 3,
) -> list[Path]:
    """Write the report of runs into `out`; the files written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in report(["results/measured/camvid"], folder, ["md"])][0]
    'report.md'

    html: the page, `index.html`, each table and, of runs that kept label maps, the player, `player.html` and `player/`.
    md: the text, `report.md`, with copies of the runs' pictures, and each table. tex: each table. csv: each table and
    the raw values: `cells.csv`, `class_iou.csv`, `miou_by_distance.csv`. svg, png: each figure. Tables are under
    `tables/`, figures under `figures/`. The same files give the same report.

    Args:
        runs: folders of runs, and folders that hold runs, counted costs (`cost-*.json`) and times beside the peer's
            (`peer-*.json`).
        out: made where it is missing.
        formats: some of `FORMATS`.
        data: the data of the runs that kept label maps, as `open_dataset` takes it, for the player; None: those alone
            are shown whose data is made up on the spot. With it `labels` and `classes`.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        play: how many clips of a run the player shows, from the worst to the best; 0: there is no player.

    Raises:
        UserError: as `read_study`; a format that is not known; `data` that is of no run that kept label maps; label
            maps that are damaged, missing or another run's.

    """
    for ending in formats:
        if ending not in FORMATS:
            raise UserError(f"unknown format {ending!r}; known are {', '.join(FORMATS)}")
    if play < 0:
        raise UserError(f"play is {play}; it must be 0 or more clips")
    contents = make_report(read_study([Path(run) for run in runs]))
    datasets = data_of_runs(contents.study, data, labels, classes) if play and "html" in formats else {}
    player = make_player(contents.study, datasets, play)
    out = Path(out)
    make_folder(out)
    with sole_writer(out, *(out / name for name in (TABLES, FIGURES, PICTURES))):
        return _write_all(contents, player, out, formats)


def _write_all(contents: Report, player: Player | None, out: Path, formats: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    if "html" in formats:
        files.append(_write(out / "index.html", make_page(contents, None if player is None else PLAYER_PAGE)))
        if player is not None:
            files.append(_write(out / PLAYER_PAGE, player.page))
            files += [_write(out / name, content) for name, content in player.files.items()]
    if "md" in formats:
        files.append(_write(out / "report.md", _text(contents, _picture_ending(formats))))
        files += [_write(out / name, read_bytes(file)) for name, file in _pictures(contents.study).items()]
    if "csv" in formats and contents.study.runs:
        files += _raw_values(contents.study, out)
    for sheet in contents.sheets:
        for ending, render in SHEET_FORMATS.items():
            if ending in formats:
                files.append(_write(out / TABLES / f"{sheet.name}.{ending}", render(sheet)))
    for plot in contents.plots:
        if "svg" in formats:
            files.append(_write(out / FIGURES / f"{plot.name}.svg", plot.svg))
        if "png" in formats:
            files.append(_write(out / FIGURES / f"{plot.name}.png", plot.render("png")))
    return files


def _write(file: Path, content: str | bytes) -> Path:
    make_folder(file.parent)
    write_atomically(file, content.encode() if isinstance(content, str) else content)
    return file


def _pictures(study: Study) -> dict[str, Path]:
    """The runs' own pictures by the name that the report gives them."""
    return {_copy_of(run, file): file for run in study.runs for file in run.pictures}


def _copy_of(run: StudyRun, file: Path) -> str:
    return f"{PICTURES}/{run.name}-{file.name}"


def _picture_ending(formats: Sequence[str]) -> str | None:
    return next((ending for ending in ("png", "svg") if ending in formats), None)


def _text(report: Report, picture_ending: str | None) -> str:
    study = report.study
    caution = warning(study)
    parts = [
        "# Report",
        f"> **{caution}**" if caution else "",
        "\n".join(f"- {as_text(line)}" for line in summary(report)),
    ]
    if picture_ending:
        parts += [f"![{as_text(plot.title)}]({FIGURES}/{plot.name}.{picture_ending})" for plot in report.plots]
    parts += [
        f"![{as_text(picture_title(run, file))}]({quote(_copy_of(run, file))})"
        for run in study.runs
        for file in run.pictures
    ]
    parts += [_section(run) for run in study.runs]
    for title, sheets in report.sections.items():
        parts += [f"## {title}", *map(as_markdown, sheets)] if sheets else []
    if study.runs:
        distances = any(not miou_by_distance(run.cells).empty for run in study.runs)
        parts += ["## How to read it", NOTES + (DISTANCE_NOTE if distances else "")]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _section(run: StudyRun) -> str:
    command = "- `{}`".format(run.about.starts[-1].command.replace("`", "'"))
    settings = [f"- {as_text(line)}" for line in setting_lines(run.about)]
    parts = [f"## {as_text(run.name)}", "\n".join([*settings, command])]
    for backbone, group in groupby(run.cells, key=lambda cell: cell["backbone"]):
        rows = list(group)
        failed = sum(cell["status"] != "ok" for cell in rows)
        parts.append(f"### {as_text(backbone)}" + (f" ({failed} of {len(rows)} cells failed)" if failed else ""))
        parts += [main_table(rows), "Further measures:", further_table(rows)]
        by_distance = distance_table(rows)
        if by_distance:
            parts += ["mIoU (%) by the number of frames since the key frame:", by_distance]
    return "\n\n".join(parts)


def _raw_values(study: Study, out: Path) -> list[Path]:
    tables = {
        "cells": pd.concat([run.table for run in study.runs], ignore_index=True).drop(
            columns=["class_iou", "miou_by_distance"], errors="ignore"
        ),
        "class_iou": pd.concat(
            [class_iou(run.cells, run.about.configuration.classes) for run in study.runs], ignore_index=True
        ),
        "miou_by_distance": miou_by_distance([cell for run in study.runs for cell in run.cells]),
    }
    files = []
    for name, table in tables.items():
        if not table.empty:
            files.append(_write(out / f"{name}.csv", table.to_csv(index=False, float_format="%.12g")))
    return files
