"""VSPW at 480 rows, as it is distributed: `vspw:PATH`, `vspw:PATH,split=val`.

    PATH/train.txt, val.txt, test.txt            the names of each split's videos, one a line
    PATH/data/VIDEO/origin/00000001.jpg          a frame
    PATH/data/VIDEO/mask/00000001.png            its labels: 1..124 are classes, 0 and 255 are ignored
    PATH/label_num_dic_final.json                names of the classes: {name: id}; may be missing

A clip is a video. Those of `test` have no label maps, so accuracy is measured on `val` or `train`.
"""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.data.clip import Clip, Dataset
from bench.data.folder import describe, image_clip
from bench.data.image_files import LABEL_SUFFIXES, list_images
from bench.data.palette import colour_map
from mpvss.errors import UserError
from mpvss.labels import IGNORE

NUM_CLASSES = 124
FRAME_RATE = Fraction(15)
"""Hz of the frames, all of which are labelled (Miao et al., VSPW, CVPR 2021)."""
SPLITS = ("train", "val", "test")
UNLABELLED_SPLIT = "test"
CLASS_NAMES_FILE = "label_num_dic_final.json"
LAYOUT = (
    "VSPW is laid out as PATH/data/VIDEO/origin/00000001.jpg, PATH/data/VIDEO/mask/00000001.png and "
    "PATH/train.txt, val.txt and test.txt, which name a video a line"
)


def open_vspw(path: Path, split: str = "val") -> Dataset:
    """The videos of one split, in the order of its file.

    Args:
        path: the folder that holds `data` and the split files (VSPW_480p).
        split: train, val or test; the clips of test have no labels.

    Raises:
        UserError: an unknown split, another layout, a named video that is missing, a frame without a label map, names
            of classes that do not fit.

    """
    if split not in SPLITS:
        raise UserError(f"vspw: split is {split!r}; it must be one of {', '.join(SPLITS)}")
    data = path / "data"
    if not data.is_dir():
        raise UserError(f"{path} is not VSPW: there is no folder {data}; {LAYOUT}")
    clips = []
    files: list[Path] = []
    for video in read_split(path, split):
        frames, masks = data / video / "origin", data / video / "mask"
        labels = None if split == UNLABELLED_SPLIT else masks
        for folder in filter(None, (frames, labels)):
            if not _is_folder(folder):
                raise UserError(f"{path / split}.txt names video {video}, and there is no folder {folder}; {LAYOUT}")
        names = list_images(frames)
        if not names:
            raise UserError(f"video {video} has no frames in {frames}; {LAYOUT}")
        clips.append(_clip(video, frames, names, labels))
        files += [frames / name for name in names]
        if labels is not None:
            files += [labels / name for name in list_images(labels, LABEL_SUFFIXES)]
    return Dataset(
        name="VSPW",
        clips=tuple(clips),
        class_names=_class_names(path / CLASS_NAMES_FILE),
        palette=colour_map(NUM_CLASSES),
        identity=describe(f"vspw:{split}", clips, files),
        frame_rate=FRAME_RATE,
    )


def read_split(path: Path, split: str) -> list[str]:
    """The names of a split's videos; UserError where its file is missing, names none, or names one twice."""
    file = path / f"{split}.txt"
    if not file.is_file():
        raise UserError(f"{file} is missing; {LAYOUT}")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text: {error}") from None
    lines = (line.strip() for line in text.splitlines())
    count = Counter(filter(None, lines))
    if not count:
        raise UserError(f"{file} names no video; {LAYOUT}")
    (most, times), *_ = count.most_common(1)
    if times > 1:
        raise UserError(f"{file} names video {most} {times} times")
    return list(count)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that the file system does not take
        return False


def _clip(video: str, frames: Path, names: list[str], labels: Path | None) -> Clip:
    if labels is None:
        return image_clip(video, frames, names, None, None)
    try:
        return image_clip(video, frames, names, labels, NUM_CLASSES, _ids_to_classes)
    except ValueError as error:
        raise UserError(f"{error}; {LAYOUT}") from None


def _ids_to_classes(ids: np.ndarray) -> np.ndarray:
    """Classes of the ids in the files: id 1 is class 0; ids 0 and 255 are ignored."""
    return np.where((ids == 0) | (ids == IGNORE), IGNORE, ids.astype(np.int16) - 1).astype(np.uint8)


def _class_names(file: Path) -> tuple[str, ...]:
    """The names of ids 1..124; `class 1` and so on where the file is missing."""
    ids = range(1, NUM_CLASSES + 1)
    if not file.is_file():
        return tuple(f"class {id}" for id in ids)
    try:
        names = {int(id): str(name) for name, id in json.loads(file.read_text(encoding="utf-8")).items()}
        return tuple(names[id] for id in ids)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
        raise UserError(f"{file} does not name classes 1 to {NUM_CLASSES}, as {{name: id}}: {error!r}") from None
