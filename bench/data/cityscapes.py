"""Cityscapes with its video sequences: `cityscapes:PATH`, `cityscapes:PATH,split=val`.

    PATH/leftImg8bit_sequence/val/ulm/ulm_000000_000000_leftImg8bit.png       a frame: city, sequence, number
    PATH/gtFine/val/ulm/ulm_000000_000019_gtFine_labelTrainIds.png            the labels of the 20th of 30 frames

A clip is a snippet of 30 frames, of which the 20th alone is labelled: labels of frame n make a clip of frames n-19 to
n+10. One sequence may hold many snippets. Label maps hold train ids, 0..18 and 255 for ignore; where there is only
`…_gtFine_labelIds.png`, the ids of that are translated. The labels of `test` are placeholders and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.data.clip import Clip, Dataset, Frame
from bench.data.folder import describe
from bench.data.image_files import list_images, natural_key, read_frame, read_labels
from mpvss.errors import UserError
from mpvss.labels import IGNORE

SPLITS = ("train", "val", "test")
UNLABELLED_SPLIT = "test"
FRAME_RATE = Fraction(17)
"""Hz of a snippet's frames (Cordts et al., Cityscapes, CVPR 2016, Sec. 2.1)."""
SNIPPET_LENGTH, LABELLED_FRAME = 30, 19
LAYOUT = (
    "Cityscapes is laid out as PATH/leftImg8bit_sequence/SPLIT/CITY/CITY_SEQUENCE_NUMBER_leftImg8bit.png (30 frames a "
    "snippet) and PATH/gtFine/SPLIT/CITY/CITY_SEQUENCE_NUMBER_gtFine_labelTrainIds.png or …_labelIds.png (the 20th of "
    "each 30)"
)

CLASSES = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
"""Each class that is scored, in the order of the train ids: its id in `labelIds` files, and its colour."""
HIGHEST_ID = 33

_FRAME = re.compile(r"(.+_[0-9]+)_([0-9]+)_leftImg8bit\.png")
_LABELS = re.compile(r"(.+_[0-9]+)_([0-9]+)_gtFine_(labelTrainIds|labelIds)\.png")

_Numbered = dict[tuple[str, int], Path]
"""Files by (city and sequence, frame number)."""


def open_cityscapes(path: Path, split: str = "val") -> Dataset:
    """The snippets of one split.

    Args:
        path: the folder that holds `leftImg8bit_sequence` and `gtFine`.
        split: train, val or test; the clips of test have no labels.

    Raises:
        UserError: an unknown split, another layout, a snippet with missing frames, frames without a label map in
            their snippet.

    """
    if split not in SPLITS:
        raise UserError(f"cityscapes: split is {split!r}; it must be one of {', '.join(SPLITS)}")
    folders = [path / name / split for name in ("leftImg8bit_sequence", "gtFine")]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{path} is not Cityscapes: there is no folder {folder}; {LAYOUT}")
    frames, labels = list_frames(folders[0]), list_labels(folders[1])
    for folder, listed in zip(folders, (frames, labels), strict=True):
        if not listed:
            raise UserError(f"{folder} holds no such files as are expected; {LAYOUT}")
    members = {snippet: _members(snippet, frames, labels[snippet]) for snippet in labels}
    stray = frames.keys() - {key for keys in members.values() for key in keys}
    if stray:
        raise UserError(
            f"frame {frames[min(stray)]} is in no labelled snippet: no label map of its sequence in {folders[1]} is "
            f"of a frame from {SNIPPET_LENGTH - 1 - LABELLED_FRAME} before it to {LABELLED_FRAME} after it; {LAYOUT}"
        )
    clips = [
        _clip(snippet, [frames[key] for key in keys], None if split == UNLABELLED_SPLIT else labels[snippet])
        for snippet, keys in members.items()
    ]
    return Dataset(
        name="Cityscapes",
        clips=tuple(clips),
        class_names=tuple(CLASSES),
        palette=np.array([colour for _, colour in CLASSES.values()], np.uint8),
        identity=describe(f"cityscapes:{split}", clips, [*frames.values(), *labels.values()]),
        frame_rate=FRAME_RATE,
    )


def list_frames(folder: Path) -> _Numbered:
    """The frames of all cities in a folder."""
    return {(match[1], int(match[2])): file for file, match in _matches(folder, _FRAME)}


def list_labels(folder: Path) -> _Numbered:
    """The label map of each frame; where a frame has two, the one with train ids."""
    found: _Numbered = {}
    for file, match in _matches(folder, _LABELS):
        key = match[1], int(match[2])
        if match[3] == "labelTrainIds" or key not in found:
            found[key] = file
    return found


def _matches(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    """The files of all cities whose names have the form, in natural order."""
    cities = (entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    for city in sorted(cities, key=natural_key):
        for name in list_images(folder / city, (".png",)):
            match = pattern.fullmatch(name)
            if match:
                yield folder / city / name, match


def _members(snippet: tuple[str, int], frames: _Numbered, labels: Path) -> list[tuple[str, int]]:
    sequence, number = snippet
    first = number - LABELLED_FRAME
    keys = [(sequence, first + index) for index in range(SNIPPET_LENGTH)]
    for key in keys:
        if key not in frames:
            raise UserError(
                f"{labels} labels the 20th of frames {first} to {first + SNIPPET_LENGTH - 1} of {sequence}, and there "
                f"is no frame {sequence}_{key[1]:06d}_leftImg8bit.png; {LAYOUT}"
            )
    return keys


def _clip(snippet: tuple[str, int], frames: list[Path], labels: Path | None) -> Clip:
    def read() -> Iterator[Frame]:
        for index, frame in enumerate(frames):
            name = frame.stem.removesuffix("_leftImg8bit")
            if labels is not None and index == LABELLED_FRAME:
                yield Frame(read_frame(frame), _read_classes(labels), name, str(labels))
            else:
                yield Frame(read_frame(frame), None, name)

    sequence, number = snippet
    return Clip(
        name=f"{sequence}_{number:06d}",
        read=read,
        num_frames=len(frames),
        labelled=labels is not None,
        num_classes=None if labels is None else len(CLASSES),
        labelled_frames=None if labels is None else (LABELLED_FRAME,),
    )


def _read_classes(file: Path) -> np.ndarray:
    ids = read_labels(file)
    return ids if file.stem.endswith("labelTrainIds") else _id_to_class()[ids]


def _id_to_class() -> np.ndarray:
    """A table from the ids of `labelIds` files to classes; other values stay as they are, and are refused later."""
    table = np.arange(256, dtype=np.uint8)
    table[: HIGHEST_ID + 1] = IGNORE
    for train_id, (id, _) in enumerate(CLASSES.values()):
        table[id] = train_id
    return table
