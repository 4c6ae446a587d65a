"""Folders of frames, with or without label maps: `folder:PATH`, with options as in `folder:PATH,take=20`.

    PATH/0001.jpg, PATH/0002.jpg, …        one clip, or
    PATH/street/0001.jpg, PATH/park/…      one clip a sub-folder

A folder of label maps mirrors that: LABELS/0001.png, or LABELS/street/0001.png.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from bench.data.clip import Clip, Dataset, Frame
from bench.data.image_files import (
    FRAME_SUFFIXES,
    LABEL_SUFFIXES,
    digest,
    list_images,
    natural_key,
    read_frame,
    read_labels,
)
from bench.data.palette import colour_map, numbered_names
from mpvss.errors import UserError


def open_folder(
    path: Path,
    labels: Path | None = None,
    num_classes: int | None = None,
    take: int | None = None,
    leave: int | None = None,
) -> Dataset:
    """A folder of frames, or of sub-folders of frames.

    Args:
        path: the frames, in natural order of their names.
        labels: the label maps, matched by the files' stems; every frame must have one. None: no labels.
        num_classes: how many classes the labels hold; without labels it may be left out.
        take: of each clip only the first of every so many frames; None: all.
        leave: of each clip all but the first of every so many frames; None: all.

    Raises:
        UserError: a folder that is missing or holds no frames, a frame without a label map, labels without
            `num_classes`, both `take` and `leave`, or one below 2.

    """
    for folder in filter(None, (path, labels)):
        require_folder(folder)
    if labels is not None and num_classes is None:
        raise UserError(f"how many classes do the labels in {labels} hold? Give num_classes")
    subfolders = clip_folders(path, apart_from=labels)
    own = list_images(path)
    if own and subfolders:
        raise UserError(f"{path} holds frames ({own[0]}) and sub-folders of frames ({subfolders[0]}); give one of them")
    if not own and not subfolders:
        raise UserError(f"{path} holds no frames; looked for {', '.join(FRAME_SUFFIXES)}")
    clips = []
    files: list[Path] = []
    for name in subfolders or [""]:
        frames = chosen_frames(path / name, take, leave)
        clip_labels = None if labels is None else labels / name
        clips.append(image_clip(name or path.resolve().name, path / name, frames, clip_labels, num_classes))
        files += [path / name / frame for frame in frames]
        if clip_labels is not None:
            files += [clip_labels / label for label in list_images(clip_labels, LABEL_SUFFIXES)]
    return Dataset(
        name=path.resolve().name,
        clips=tuple(clips),
        class_names=numbered_names(num_classes or 0),
        palette=colour_map(num_classes or 0),
        identity=describe(f"folder:{path.resolve().name}", clips, files),
    )


def image_clip(
    name: str,
    folder: Path,
    frames: list[str],
    labels: Path | None,
    num_classes: int | None,
    translate: Callable[[np.ndarray], np.ndarray] = lambda ids: ids,
) -> Clip:
    """A clip of image files.

    Args:
        name: the clip's.
        folder: holds the frames.
        frames: the files' names, in order.
        labels: the folder of the label maps; None: no labels.
        num_classes: how many classes the labels hold.
        translate: from the ids in the files to the project's, 255 = ignore.

    Raises:
        UserError: a frame without a label map.

    """
    label_names = None if labels is None else _match(folder, frames, labels)

    def read_one(index: int) -> Frame:
        image, stem = read_frame(folder / frames[index]), Path(frames[index]).stem
        if labels is None or label_names is None:
            return Frame(image, None, stem)
        source = labels / label_names[index]
        return Frame(image, translate(read_labels(source)), stem, str(source))

    def read() -> Iterator[Frame]:
        return map(read_one, range(len(frames)))

    return Clip(name, read, len(frames), labels is not None, num_classes, read_frame=read_one)


def describe(what: str, clips: list[Clip], files: Iterable[Path]) -> str:
    """An identity: what was opened, how much of it, and a fingerprint of the files."""
    frames = sum(clip.num_frames or 0 for clip in clips)
    return f"{what} clips={len(clips)} frames={frames} files={digest(files)}"


def require_folder(path: Path) -> None:
    """Raise UserError unless the path is a folder."""
    if not path.is_dir():
        raise UserError(f"{path} is not a folder" if path.exists() else f"{path} does not exist")


def chosen_frames(folder: Path, take: int | None, leave: int | None) -> list[str]:
    """The frames in a folder that are taken, or not left out; see `open_folder`.

    Raises:
        UserError: both `take` and `leave`, one below 2, or no frame that they choose.
    """
    if take is not None and leave is not None:
        raise UserError(f"take={take} and leave={leave} exclude each other; give one")
    for name, value in (("take", take), ("leave", leave)):
        if value is not None and value < 2:
            raise UserError(f"{name} is {value}; it must be 2 or more")
    frames = list_images(folder)
    if not frames:
        raise UserError(f"{folder} holds no frames; looked for {', '.join(FRAME_SUFFIXES)}")
    if leave is None:
        return frames[::take]
    chosen = [frame for index, frame in enumerate(frames) if index % leave]
    if not chosen:
        raise UserError(f"{folder} holds one frame, which leave={leave} leaves out")
    return chosen


def _match(folder: Path, frames: list[str], labels: Path) -> list[str]:
    require_folder(labels)
    by_stem = {Path(name).stem: name for name in list_images(labels, LABEL_SUFFIXES)}
    for frame in frames:
        if Path(frame).stem not in by_stem:
            raise UserError(
                f"frame {folder / frame} has no label map: expected {labels / Path(frame).stem} with one of "
                f"{', '.join(LABEL_SUFFIXES)}"
            )
    return [by_stem[Path(frame).stem] for frame in frames]


def clip_folders(path: Path, apart_from: Path | None) -> list[str]:
    """The names of sub-folders that hold frames; a folder of labels may lie among them."""
    kept = [
        entry.name
        for entry in path.iterdir()
        if entry.is_dir()
        and not entry.name.startswith(".")
        and not (apart_from is not None and entry.samefile(apart_from))
        and list_images(entry)
    ]
    return sorted(kept, key=natural_key)
