"""The player of a report: a page, and files of data beside it that it loads as they are asked for.

The page and its files name each other by relative paths, so that the folder may be moved, zipped and opened from disk.
Data is loaded as scripts, since a page from disk may read nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from bench.data import Dataset, colour_map
from bench.evaluate.data_of_run import is_made_up, open_data_of
from bench.report.page.data import as_json
from bench.report.player.choose import choose_clips
from bench.report.player.clip import KeptRun, show_clip
from bench.report.study import Study
from bench.runs.files import file_name
from bench.runs.kept_labels import LabelStore
from mpvss.errors import UserError

ASSETS = Path(__file__).parent
PAGE, FOLDER = "player.html", "player"
SCRIPTS = ("load.js", "draw.js", "timeline.js", "move.js", "choices.js", "controls.js")
FRAME_RATE = 15.0
"""Frames a second at speed 1, where the data has no rate."""


@dataclass(frozen=True)
class Player:
    """A player.

    Attributes:
        fragment: HTML of the player, with its style and script, for a page that has no other.
        files: what it loads, by their paths beside that page.

    """

    fragment: str
    files: Mapping[str, str]

    @property
    def page(self) -> str:
        """The player on a page of its own."""
        return Template((ASSETS / "page.html").read_text()).substitute(player=self.fragment)


def make_player(study: Study, datasets: Mapping[str, Dataset], clips: int) -> Player | None:
    """The player of the runs that kept label maps of clips, frame by frame; None where there is none.

    Args:
        study: the runs.
        datasets: the data of runs, by the run's name.
        clips: how many clips of each run are shown, from the worst to the best.

    Raises:
        UserError: label maps that are damaged, missing or another run's.
    """
    runs: list[dict[str, Any]] = []
    files: dict[str, str] = {}
    for run in study.runs:
        if run.name in datasets:
            shown, data = _show_run(KeptRun.of(run), datasets[run.name], clips)
            files |= {
                name: f"playerData({json.dumps(name)},{json.dumps(content)});\n" for name, content in data.items()
            }
            runs += [shown] if shown["clips"] else []
    if not runs:
        return None
    fragment = Template((ASSETS / "player.html").read_text()).substitute(
        style=(ASSETS / "player.css").read_text(),
        script=_script(),
        data=as_json({"runs": runs}),
    )
    return Player(fragment, files)


def _script() -> str:
    """The parts of the program, in a scope of their own."""
    parts = "\n".join((ASSETS / "script" / name).read_text() for name in SCRIPTS)
    return f'"use strict";\n{{\n{parts}}}\n'


def _show_run(kept_run: KeptRun, dataset: Dataset, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    run, store = kept_run.run, LabelStore(kept_run.run.folder)
    shown, files = [], {}
    numbers = {clip.name: (index, clip) for index, clip in enumerate(dataset.clips)}
    classes = run.about.configuration.classes
    for chosen in choose_clips(kept_run.counts, count):
        index, clip = numbers[chosen.name]
        kept = {key: store.read(key, index, clip.name) for key in kept_run.counts}
        folder = f"{FOLDER}/{file_name(run.name)}/{index:05d}"
        about, data = show_clip(kept_run, clip, kept, len(classes), folder)
        shown.append({"title": chosen.title, **about})
        files |= data
    palette = dataset.palette if len(dataset.palette) else colour_map(len(classes))
    rate = float(dataset.frame_rate or FRAME_RATE)
    return {"name": run.name, "classes": classes, "palette": palette.tolist(), "rate": rate, "clips": shown}, files


def data_of_runs(
    study: Study, data: str | None = None, labels: str | None = None, classes: int | None = None
) -> dict[str, Dataset]:
    """The data of the runs that kept label maps, by the run's name.

    Without `data`, that of the runs whose data is made up on the spot; with it, that of those which it fits, too.

    Raises:
        UserError: `data` fits no run that kept label maps.
    """
    runs = [run for run in study.runs if KeptRun.of(run).counts]
    found = {run.name: open_data_of(run.about) for run in runs if is_made_up(run.about)}
    if data is None or not runs:
        return found
    refused = []
    for run in runs:
        try:
            found[run.name] = open_data_of(run.about, data, labels, classes)
        except UserError as error:
            refused.append(error)
    if len(refused) == len(runs):
        raise refused[0]
    return found
