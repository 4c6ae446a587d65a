"""Data sets by name: the text a user gives on the command line, and what it opens.

generated                                             made up on the spot
generated:clips=2,frames=20,size=96x160,seed=3        … as much of it as wanted; size is HEIGHTxWIDTH
synthetic                                             streets and rooms that the project renders, held out for testing
synthetic:split=train,clips=9,frames=20,size=96x160,seed=3
vspw:PATH                                             VSPW at 480 rows, as it is distributed
cityscapes:PATH                                       Cityscapes with its video sequences
vspw:PATH,split=train                                 … the split: train, val or test; else val
camvid:PATH                                           CamVid, as the SegNet tutorial lays it out
folder:PATH                                           a folder of frames, or of folders of frames
video:PATH                                            a video file
PATH                                                  a folder or a video file, whichever it is
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.data.camvid import open_camvid
from bench.data.cityscapes import open_cityscapes
from bench.data.clip import Dataset
from bench.data.folder import open_folder
from bench.data.generated import GeneratedOptions, open_generated
from bench.data.synthetic import SyntheticOptions, open_synthetic
from bench.data.video_file import open_video
from bench.data.vspw import open_vspw
from mpvss.errors import UserError
from mpvss.labels import check_num_classes

KINDS = ("camvid", "cityscapes", "folder", "generated", "synthetic", "video", "vspw")
_MADE = ("generated", "synthetic")
"""Made up on the spot, so named without a path."""


def open_dataset(spec: str, labels: str | None = None, num_classes: int | None = None) -> Dataset:
    """Open what a spec names. Files are listed and matched here, and read while streaming.

    Args:
        spec: as in this module's docstring.
        labels: for `folder` alone, the folder of the label maps; see `bench.data.folder`.
        num_classes: how many classes a folder's labels hold; needed with them. Without labels, of the labels that will
            be predicted, for their colours. A data set with classes of its own agrees or refuses.

    Raises:
        UserError: an unknown kind, a path that is missing or holds something else, an option that is unknown, has a
            bad value or is not for this kind.

    """
    if num_classes is not None:
        check_num_classes(num_classes)
    kind, rest = _split(spec)
    if labels is not None and kind != "folder":
        raise UserError(f"{spec}: labels are given for a folder of frames alone, not for {kind}")
    if kind == "generated":
        dataset = open_generated(GeneratedOptions(**_amounts(kind, rest)))
    elif kind == "synthetic":
        dataset = open_synthetic(_synthetic_options(rest))
    elif not rest:
        raise UserError(f"{spec} names no path; write {kind}:PATH")
    elif kind == "vspw":
        dataset = open_vspw(*_path_and_split(kind, rest))
    elif kind == "cityscapes":
        dataset = open_cityscapes(*_path_and_split(kind, rest))
    elif kind == "camvid":
        dataset = open_camvid(Path(rest))
    elif kind == "folder":
        dataset = open_folder(Path(rest), None if labels is None else Path(labels), num_classes)
    else:
        dataset = open_video(Path(rest), num_classes)
    if num_classes is not None and dataset.num_classes != num_classes:
        raise UserError(f"{spec} has {dataset.num_classes} classes of its own, not {num_classes}")
    return dataset


def _split(spec: str) -> tuple[str, str]:
    kind, _, rest = spec.partition(":")
    if kind in KINDS:
        return kind, rest
    if spec and Path(spec).exists():
        return ("folder" if Path(spec).is_dir() else "video"), spec
    raise UserError(
        f"{spec!r} is neither a data set nor a path that exists; data sets are "
        f"{', '.join(kind if kind in _MADE else f'{kind}:PATH' for kind in KINDS)}"
    )


def _path_and_split(kind: str, text: str) -> tuple[Path, str]:
    match = re.search(r",(\w+)=([^,/]*)$", text)
    if not match:
        return Path(text), "val"
    if match[1] != "split":
        raise UserError(f"{kind}: unknown option {match[1]!r}; the one option is split")
    if not match.start():
        raise UserError(f"{kind}:{text} names no path; write {kind}:PATH or {kind}:PATH,split=val")
    return Path(text[: match.start()]), match[2]


def _synthetic_options(text: str) -> SyntheticOptions:
    items = text.split(",")
    splits = [item.removeprefix("split=") for item in items if item.startswith("split=")]
    amounts = ",".join(item for item in items if not item.startswith("split="))
    return SyntheticOptions(split=splits[-1] if splits else "test", **_amounts("synthetic", amounts, "split, "))


def _amounts(kind: str, text: str, also: str = "") -> dict[str, int]:
    values: dict[str, int] = {}
    for item in filter(None, text.split(",")):
        key, _, value = item.partition("=")
        if key == "size":
            match = re.fullmatch(r"([0-9]+)x([0-9]+)", value)
            if not match:
                raise UserError(f"{kind}: size is {value!r}; write it HEIGHTxWIDTH, as 96x160")
            values["height"], values["width"] = int(match[1]), int(match[2])
        elif key in ("clips", "frames", "seed"):
            if not re.fullmatch(r"[0-9]+", value):
                raise UserError(f"{kind}: {key} is {value!r}; it must be a whole number")
            values[key] = int(value)
        else:
            raise UserError(f"{kind}: unknown option {key!r}; options are {also}clips, frames, size and seed")
    return values
