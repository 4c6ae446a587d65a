"""A look at data before it is measured on: everything that is missing at once, not the first thing alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.data.camvid import LAYOUT as CAMVID_LAYOUT
from bench.data.check.cityscapes import look_at_cityscapes
from bench.data.check.findings import Findings
from bench.data.check.pairs import look_at_camvid, look_at_folder
from bench.data.check.vspw import look_at_vspw
from bench.data.cityscapes import LAYOUT as CITYSCAPES_LAYOUT
from bench.data.clip import Clip, Dataset
from bench.data.clips import LAYOUT as CLIPS_LAYOUT
from bench.data.spec import folder_and_options, open_dataset, path_and_split, split_spec
from bench.data.vspw import LAYOUT as VSPW_LAYOUT
from mpvss.errors import UserError

MOST_CLIPS = 10
"""Clips of which a frame is read."""
LAYOUTS = {"vspw": VSPW_LAYOUT, "cityscapes": CITYSCAPES_LAYOUT, "camvid": CAMVID_LAYOUT, "clips": CLIPS_LAYOUT}


def check_data(spec: str, labels: str | None = None, num_classes: int | None = None) -> Findings:
    """Look at data; the arguments are those of `open_dataset`.

    Folders and names of files are looked at, and a frame with its labels is read of up to 10 clips. The other frames
    are not: a damaged one is found when it is measured.

    Raises:
        UserError: a spec that names no kind of data, or has an unknown option.
    """
    kind, rest = split_spec(spec)
    findings = Findings(LAYOUTS.get(kind, ""))
    path, split = path_and_split(kind, rest) if kind in ("vspw", "cityscapes") else (Path(rest), "")
    if kind in ("clips", "folder"):
        path, _ = folder_and_options(kind, rest)
    try:
        if kind == "vspw" and findings.need_folder(path):
            look_at_vspw(path, split, findings)
        elif kind == "cityscapes" and findings.need_folder(path):
            look_at_cityscapes(path, split, findings)
        elif kind == "camvid":
            look_at_camvid(path, findings)
        elif kind == "folder":
            look_at_folder(path, labels, num_classes, findings)
        if findings.complete:
            _read(open_dataset(spec, labels, num_classes), findings)
    except (UserError, OSError) as error:
        findings.missing.append(str(error))
    return findings


def _read(dataset: Dataset, findings: Findings) -> None:
    """Read a frame of some clips, and note what the data are."""
    step = -(-len(dataset.clips) // MOST_CLIPS)
    sampled = dataset.clips[::step]
    sizes = Counter(_frame_size(clip) for clip in sampled)
    texts = [
        f"{width}x{height}" + (f" ({count} clips)" if len(sizes) > 1 else "")
        for (width, height), count in sizes.items()
    ]
    some = "" if len(sampled) == len(dataset.clips) else f", in the {len(sampled)} clips that were looked into"
    findings.found += [_extent(dataset), f"frames of {', '.join(texts)}{some}", _labels(dataset)]


def _frame_size(clip: Clip) -> tuple[int, int]:
    """Width and height of a clip's frames, of a labelled frame where there is one, so that its labels are checked.

    Raises:
        UserError: it cannot be read.
    """
    for index, frame in enumerate(clip.frames()):
        if clip.labelled_frames is None or index in clip.labelled_frames:
            return frame.image.shape[2], frame.image.shape[1]
    raise AssertionError("a clip has frames, and those that it says are labelled")


def _extent(dataset: Dataset) -> str:
    lengths = [clip.num_frames for clip in dataset.clips]
    known = [length for length in lengths if length is not None]
    frames = f"{sum(known)} frames" if len(known) == len(lengths) else "an unknown number of frames"
    return f"{'1 clip' if len(lengths) == 1 else f'{len(lengths)} clips'}, {frames}"


def _labels(dataset: Dataset) -> str:
    classes = f"{dataset.num_classes} classes" if dataset.num_classes else "classes are not known; give --classes"
    if not dataset.labelled:
        return f"no labels, so no accuracy; {classes}"
    single = [clip.labelled_frames for clip in dataset.clips if clip.labelled_frames is not None]
    return f"labels of {f'{sum(map(len, single))} single frames' if single else 'every frame'}; {classes}"
