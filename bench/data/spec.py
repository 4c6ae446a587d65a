"""Data sets by name: the text a user gives on the command line, and what it opens.

generated                                             shapes that are made up
generated:clips=2,frames=20,size=96x160,seed=3        … as much of it as wanted; size is HEIGHTxWIDTH
synthetic                                             streets and rooms that the project renders, held out for testing
synthetic:split=train,clips=9,frames=20,size=96x160,seed=3
vspw:PATH                                             VSPW at 480 rows, as it is distributed
cityscapes:PATH                                       Cityscapes with its video sequences
vspw:PATH,split=train                                 … the split: train, val or test; else val
camvid:PATH                                           CamVid, as the SegNet tutorial lays it out
folder:PATH                                           a folder of frames, or of folders of frames
clips:PATH                                            clips with label maps beside their frames, a folder a clip
clips:PATH,labels=gt_fine                             … the name of the folders of label maps; else labels
clips:PATH,size=256x512                               … stretched to that size, as for frames that were squeezed
clips:PATH,take=20                                    … every 20th frame; leave=20 gives the others, to hold some back
folder:PATH,size=256x512,take=20                      … of a folder too
video:PATH                                            a video file
PATH                                                  a folder or a video file, whichever it is
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.data.camvid import open_camvid
from bench.data.cityscapes import open_cityscapes
from bench.data.clip import Dataset
from bench.data.clips import open_clips
from bench.data.folder import open_folder
from bench.data.generated import GeneratedOptions, open_generated
from bench.data.options import Reader, frame_size, one_of, parse_options, split_path, whole_number
from bench.data.resize import check_size, resize
from bench.data.synthetic import SPLITS, SyntheticOptions, open_synthetic
from bench.data.vspw import open_vspw
from mpvss.errors import UserError
from mpvss.labels import check_num_classes

KINDS = ("camvid", "cityscapes", "clips", "folder", "generated", "synthetic", "video", "vspw")
_MADE = ("generated", "synthetic")
"""Made up, so named without a path."""


def open_dataset(
    spec: str, labels: str | None = None, num_classes: int | None = None, size: tuple[int, int] | None = None
) -> Dataset:
    """Open what a spec names. Files are listed and matched here, and read while streaming.

    >>> data = open_dataset("generated:clips=2,frames=3,size=64x96")
    >>> [frame.image.shape for frame in data.clips[0].frames()]
    [(3, 64, 96), (3, 64, 96), (3, 64, 96)]
    >>> data.class_names
    ('sky', 'ground', 'circle', 'square', 'triangle', 'bar')

    Args:
        spec: as in this module's docstring.
        labels: for `folder` alone, the folder of the label maps; see `bench.data.folder`.
        num_classes: how many classes the labels of `clips` or of a folder hold; needed with them. Without labels, of
            the labels that will be predicted, for their colours. A data set with classes of its own agrees or refuses.
        size: height and width of the frames. Clips that are made up are made at this size, whatever the spec says;
            others are resized. None: as they are.

    Raises:
        UserError: an unknown kind, a path that is missing or holds something else, an option that is unknown, has a
            bad value or is not for this kind, a file or folder that may not be read.

    """
    if num_classes is not None:
        check_num_classes(num_classes)
    if size is not None:
        check_size(size)
    try:
        dataset = _open(spec, labels, num_classes, size)
    except OSError as error:  # such as a folder that may not be listed
        raise UserError(f"{spec}: {error.filename or 'it'} cannot be read: {error.strerror or error}") from error
    if num_classes is not None and dataset.num_classes != num_classes:
        raise UserError(f"{spec} has {dataset.num_classes} classes of its own, not {num_classes}")
    return dataset


def _open(spec: str, labels: str | None, num_classes: int | None, size: tuple[int, int] | None) -> Dataset:
    kind, rest = split_spec(spec)
    if labels is not None and kind != "folder":
        raise UserError(f"{spec}: labels are given for a folder of frames alone, not for {kind}")
    if kind == "generated":
        return open_generated(GeneratedOptions(**_made_options(kind, rest, size)))
    if kind == "synthetic":
        return open_synthetic(SyntheticOptions(**_made_options(kind, rest, size)))
    if not rest:
        raise UserError(f"{spec} names no path; write {kind}:PATH")
    dataset = _read(kind, rest, labels, num_classes)
    return dataset if size is None else resize(dataset, size)


def _read(kind: str, rest: str, labels: str | None, num_classes: int | None) -> Dataset:
    """A data set of files."""
    if kind == "vspw":
        return open_vspw(*path_and_split(kind, rest))
    if kind == "cityscapes":
        return open_cityscapes(*path_and_split(kind, rest))
    if kind == "camvid":
        return open_camvid(Path(rest))
    if kind in ("clips", "folder"):
        path, options = folder_and_options(kind, rest)
        size = options.pop("size", None)
        if kind == "clips":
            dataset = open_clips(path, num_classes, **options)
        else:
            dataset = open_folder(path, None if labels is None else Path(labels), num_classes, **options)
        return dataset if size is None else resize(dataset, size)
    from bench.data.video_file import open_video  # here, so that other data needs no PyAV

    return open_video(Path(rest), num_classes)


def split_spec(spec: str) -> tuple[str, str]:
    """The kind that a spec names, and the rest of it; UserError where it names none."""
    kind, _, rest = spec.partition(":")
    if kind in KINDS:
        return kind, rest
    if spec and Path(spec).exists():
        return ("folder" if Path(spec).is_dir() else "video"), spec
    raise UserError(
        f"{spec!r} is neither a data set nor a path that exists; data sets are "
        f"{', '.join(kind if kind in _MADE else f'{kind}:PATH' for kind in KINDS)}"
    )


def path_and_split(kind: str, text: str) -> tuple[Path, str]:
    """The path and the split in the rest of a spec; UserError where there is no path, or another option."""
    path, options = split_path(text)
    if not path:
        raise UserError(f"{kind}:{text} names no path; write {kind}:PATH or {kind}:PATH,split=val")
    return Path(path), parse_options(kind, options, {"split": one_of(*SPLITS)}).get("split", "val")


def folder_and_options(kind: str, text: str) -> tuple[Path, dict[str, Any]]:
    """The path and the options in the rest of a spec of `clips` or `folder`. A path that exists as a whole has none.

    Raises:
        UserError: an unknown option, or a bad value of one.
    """
    if Path(text).exists():
        return Path(text), {}
    path, options = split_path(text)
    readers: dict[str, Reader] = {"size": frame_size, "take": whole_number, "leave": whole_number}
    if kind == "clips":
        readers["labels"] = str
    values = parse_options(kind, options, readers)
    if "size" in values:
        check_size(values["size"])
    return Path(path), values


def _made_options(kind: str, text: str, size: tuple[int, int] | None) -> dict[str, Any]:
    """The options of clips that are made up, as the fields of `GeneratedOptions` and `SyntheticOptions`.

    `size` takes the place of the one in the text.
    """
    readers = {"clips": whole_number, "frames": whole_number, "size": frame_size, "seed": whole_number}
    if kind == "synthetic":
        readers = {"split": one_of(*SPLITS), **readers}
    values = parse_options(kind, text, readers)
    if size is not None:
        values["size"] = size
    if "size" in values:
        values["height"], values["width"] = values.pop("size")
    return values
