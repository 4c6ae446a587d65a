"""One clip in the player: its frames, ground truth, flow, and the label maps and measures of each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import metrics
from bench.data import Clip
from bench.methods.names import WITHOUT_KEY_FRAMES, method_of
from bench.pictures.flow_colours import flow_colours
from bench.report.player.pack import pack_labels, pack_picture
from bench.report.rows import is_there
from bench.report.study import StudyRun
from bench.runs.clip_counts import ClipCounts
from bench.runs.kept_labels import FOLDER, KeptClip, LabelStore
from bench.runs.read import read_clip_counts
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError
from mpvss.labels import IGNORE

Files = dict[str, Any]
"""What each data file of the player holds, by its name."""


@dataclass(frozen=True)
class KeptRun:
    """A run with the pixel counts of the cells whose label maps it kept, of clips that are scored frame by frame."""

    run: StudyRun
    counts: Mapping[CellKey, ClipCounts]

    @classmethod
    def of(cls, run: StudyRun) -> KeptRun:
        """Read the counts, where the run has a folder of label maps."""
        store = LabelStore(run.folder)
        counts = read_clip_counts(run.folder) if (run.folder / FOLDER).is_dir() else {}
        return cls(
            run, {key: found for key, found in counts.items() if found.counts.shape[1] == 1 and store.keeps(key)}
        )


@dataclass(frozen=True)
class Truth:
    """The ground truth of a clip: a map for each frame, None where it has none."""

    maps: Sequence[np.ndarray | None]
    num_classes: int


def show_clip(
    run: KeptRun, clip: Clip, cells: Mapping[CellKey, KeptClip], num_classes: int, folder: str
) -> tuple[dict[str, Any], Files]:
    """A clip of a run: what the page knows of it from the start, and its files, whose names begin with `folder`.

    Raises:
        UserError: label maps that are damaged, or are not those that were scored.
    """
    pictures, maps = [], []
    for frame in clip.frames():
        pictures.append(pack_picture(frame.image.transpose(1, 2, 0)))
        maps.append(frame.labels)
    height, width = next(iter(cells.values())).about.height, next(iter(cells.values())).about.width
    truth = Truth(maps, num_classes)
    files: Files = {f"{folder}/frames.js": pictures, f"{folder}/truth.js": _packed_truth(truth, (height, width))}
    shown = []
    for number, (key, kept) in enumerate(cells.items()):
        name = f"{folder}/cell-{number}.js"
        about, files[name] = _show_cell(run, clip, key, kept, truth)
        shown.append({**about, "file": name})
    flows = {}
    for interval in sorted({cell["interval"] for cell in shown if len(cell["keys"]) < len(maps) and cell["keys"]}):
        if clip.flow is not None:
            flows[str(interval)] = f"{folder}/flow-{interval}.js"
            files[flows[str(interval)]] = list(_flows(clip, len(maps), interval))
    about = {
        "length": len(maps),
        "height": height,
        "width": width,
        "frames": f"{folder}/frames.js",
        "truth": f"{folder}/truth.js",
        "flows": flows,
        "cells": shown,
    }
    return about, files


def _show_cell(run: KeptRun, clip: Clip, key: CellKey, kept: KeptClip, truth: Truth) -> tuple[dict[str, Any], str]:
    maps = [found.labels for found in kept.maps()]
    if kept.about.frames != list(range(len(truth.maps))):
        raise UserError(f"{kept.path} holds {len(maps)} label maps, and clip {clip.name} has {len(truth.maps)} frames")
    confusions = [
        None if labels is None else metrics.confusion_matrix(labels, found, truth.num_classes)
        for labels, found in zip(truth.maps, maps, strict=True)
    ]
    _check_scored(run, clip, key, kept, sum(confusion for confusion in confusions if confusion is not None))
    keys = _key_frames(key, len(maps))
    ious = [None if confusion is None else metrics.mean_iou(confusion) for confusion in confusions]
    about = {
        "method": key.method,
        "backbone": key.backbone,
        "interval": key.interval,
        "keys": keys,
        "iou": [None if iou is None else round(100 * iou, 2) for iou in ious],
        "ms": _times(run, key, keys, len(maps)),
    }
    return about, pack_labels(maps)


def _check_scored(run: KeptRun, clip: Clip, key: CellKey, kept: KeptClip, confusion: np.ndarray | int) -> None:
    """Refuse label maps with other pixels than those that the cell's file says were scored."""
    counts = run.counts[key]
    scored = counts.counts[counts.names.index(clip.name), 0]
    matrix = np.asarray(confusion)
    found = np.stack([matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)], axis=-1)
    if not np.array_equal(found, scored):
        raise UserError(
            f"{kept.path} holds label maps with other pixels than cells/{key.file_name} says were scored; the files in "
            f"{FOLDER}/ or the data are of another run"
        )


def _key_frames(key: CellKey, length: int) -> list[int]:
    """Indices of the key frames; none of a method that has no use for them."""
    return [] if method_of(key.method) in WITHOUT_KEY_FRAMES else list(range(0, length, key.interval))


def _times(run: KeptRun, key: CellKey, keys: Sequence[int], length: int) -> list[float] | None:
    """The median time of each frame's kind in ms, scope `labels`; None where it was not timed."""
    cell = next(
        (row for row in run.run.cells if (row["backbone"], row["method"], row["interval"]) == _names(key)), None
    )
    fields = ["p50_key_ms" if index in keys or not keys else "p50_non_key_ms" for index in range(length)]
    if cell is None or not all(is_there(cell, field) for field in fields):
        return None
    return [round(float(cell[field]), 3) for field in fields]


def _names(key: CellKey) -> tuple[str, str, int]:
    return key.backbone, key.method, key.interval


def _packed_truth(truth: Truth, size: tuple[int, int]) -> str:
    """The ground truth as `pack_labels` gives it; a frame without any is all ignored."""
    nothing = np.full(size, IGNORE, np.uint8)
    return pack_labels(nothing if labels is None else labels for labels in truth.maps)


def _flows(clip: Clip, length: int, interval: int) -> Iterator[str | None]:
    """The ground-truth flow from each frame to its key frame, in colours of one scale; None for key frames."""
    assert clip.flow is not None, "it has ground-truth flow"
    found = [clip.flow(index, index - index % interval)[0] if index % interval else None for index in range(length)]
    longest = max((float(np.quantile(np.linalg.norm(f, axis=0), 0.99)) for f in found if f is not None), default=1.0)
    scale = max(1.0, float(np.ceil(longest)))
    for flow in found:
        colours = None if flow is None else np.rint(255 * flow_colours(flow, scale)).astype(np.uint8)
        yield None if colours is None else pack_picture(colours)
