"""Clips of runs that kept label maps as recordings of Rerun (`.rrd`): `rerun FILE` opens one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.data import Clip, Dataset, colour_map
from bench.report.export.packages import optional
from bench.report.player.choose import choose_clips
from bench.report.player.clip import KeptRun
from bench.report.study import Study
from bench.runs.files import file_name, make_folder, write_atomically
from bench.runs.kept_labels import KeptClip, LabelStore
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError
from mpvss.labels import IGNORE

APPLICATION = "mpvss-bench"


def write_recordings(study: Study, datasets: Mapping[str, Dataset], clips: int, folder: Path) -> list[Path]:
    """A recording for each clip that the player shows; the files, `RUN--CLIP.rrd`.

    On the timeline `frame` it has the frame, the ground truth, the label map of each cell, and the mIoU (%) of each
    cell's frame. Frames are compressed as JPEG; label maps are as they were scored.

    Args:
        study: the runs.
        datasets: the data of runs, by the run's name, as `bench.report.player.player.data_of_runs` gives it.
        clips: how many clips of each run, from the worst to the best.
        folder: made where it is missing.

    Raises:
        UserError: no run kept label maps; they are damaged or another run's; the package is missing.
    """
    rerun = optional("rerun", "rerun")
    files = []
    for run in study.runs:
        if run.name not in datasets:
            continue
        kept_run, dataset, store = KeptRun.of(run), datasets[run.name], LabelStore(run.folder)
        numbers = {clip.name: index for index, clip in enumerate(dataset.clips)}
        for chosen in choose_clips(kept_run.counts, clips):
            index = numbers[chosen.name]
            clip = dataset.clips[index]
            kept = {key: store.read(key, index, clip.name) for key in kept_run.counts}
            make_folder(folder)
            file = folder / f"{file_name(run.name)}--{file_name(clip.name)}.rrd"
            write_atomically(file, _recording(rerun, clip, kept, dataset, run.about.configuration.classes))
            files.append(file)
    if not files:
        raise UserError(
            "there is nothing for rrd: no run kept label maps; sweep with --keep labels, see docs/player.md"
        )
    return files


def _recording(
    rerun: Any, clip: Clip, cells: Mapping[CellKey, KeptClip], dataset: Dataset, classes: list[str]
) -> bytes:
    stream = rerun.RecordingStream(APPLICATION, recording_id=clip.name)
    content = stream.binary_stream()
    palette = dataset.palette if len(dataset.palette) else colour_map(len(classes))
    known = [(number, name, tuple(map(int, palette[number]))) for number, name in enumerate(classes)]
    stream.log("/", rerun.AnnotationContext([*known, (IGNORE, "ignored", (0, 0, 0))]), static=True)
    maps = {key: kept.maps() for key, kept in cells.items()}
    for number, frame in enumerate(clip.frames()):
        stream.set_time("frame", sequence=number)
        stream.log(["frame"], rerun.Image(np.ascontiguousarray(frame.image.transpose(1, 2, 0))).compress())
        if frame.labels is not None:
            stream.log(["ground truth"], rerun.SegmentationImage(frame.labels))
        for key in cells:
            found = next(chain(maps[key], [None]))
            if found is None or found.frame != number:
                raise UserError(f"{cells[key].path} has no label map of frame {number} of clip {clip.name}")
            name = f"{key.method}, {key.backbone}, interval {key.interval}"
            stream.log(["labels", name], rerun.SegmentationImage(found.labels))
            if frame.labels is not None:
                iou = metrics.mean_iou(metrics.confusion_matrix(frame.labels, found.labels, len(classes)))
                if iou is not None:
                    stream.log(["mIoU", name], rerun.Scalars(100 * iou))
    return content.read()
