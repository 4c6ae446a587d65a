"""CamVid in the layout of the SegNet tutorial: `camvid:PATH`.

    PATH/val/0016E5_07959.png        a frame: the drive, then the frame's number
    PATH/valannot/0016E5_07959.png   its labels: ids 0..10, and 11 where there is none

PATH is that root (then `val` is read) or one of its folders of frames, such as PATH/train. A clip is a
drive. In `train` and `test` frames may lie a second apart: consistency and key-frame intervals mean little
there.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.data.clip import Dataset
from bench.data.folder import describe, image_clip
from bench.data.image_files import list_images
from mpvss.errors import UserError
from mpvss.labels import IGNORE

FRAME_RATE = Fraction(30)
"""Hz of the camera; labelled are 1 or 15 frames a second (Brostow et al., Pattern Recognition Letters 30, 2009)."""
VOID = 11
"""CamVid's own id of pixels without a class."""

LAYOUT = (
    "CamVid is laid out as PATH/val/0016E5_07959.png and so on, with their labels in PATH/valannot/0016E5_07959.png; "
    "PATH/val itself may be given, with valannot beside it"
)

CLASSES = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
"""Class names in the order of their ids, and the colours CamVid is drawn in."""


def open_camvid(path: Path) -> Dataset:
    """CamVid's `val` of a root, or the folder of frames given.

    Raises:
        UserError: another layout, or a frame without a label map.

    """
    frames, labels = folders_of(path)
    names = list_images(frames) if frames.is_dir() and labels.is_dir() else []
    if not names:
        raise UserError(f"{path} is not CamVid; {LAYOUT}")
    drives = groupby(names, key=lambda name: name.rpartition("_")[0] or frames.resolve().name)
    clips = [
        image_clip(drive, frames, list(members), labels, len(CLASSES), _void_to_ignore) for drive, members in drives
    ]
    files = [frames / name for name in names] + [labels / name for name in list_images(labels)]
    return Dataset(
        name="CamVid",
        clips=tuple(clips),
        class_names=tuple(CLASSES),
        palette=np.array(list(CLASSES.values()), np.uint8),
        identity=describe(f"camvid:{frames.resolve().name}", clips, files),
        frame_rate=FRAME_RATE,
    )


def folders_of(path: Path) -> tuple[Path, Path]:
    """The folder of frames that a path means, and that of its labels; they need not be there."""
    frames = path / "val" if (path / "val").is_dir() else path
    whole = frames.resolve()
    return frames, whole.parent / f"{whole.name}annot"


def _void_to_ignore(ids: np.ndarray) -> np.ndarray:
    return np.where(ids == VOID, np.uint8(IGNORE), ids)
