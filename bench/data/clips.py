"""Clips with their labels beside the frames, a folder a clip: `clips:PATH`.

    PATH/street/frames/0001.jpg      a frame
    PATH/street/labels/0001.png      its label map, of the same stem; frames may lack one

With `clips:PATH,labels=NAME` the label maps are read from the folders PATH/CLIP/NAME.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.data.clip import Clip, Dataset, Frame
from bench.data.folder import chosen_frames, describe, require_folder
from bench.data.image_files import LABEL_SUFFIXES, list_images, natural_key, read_frame, read_labels
from bench.data.palette import colour_map, numbered_names
from mpvss.errors import UserError

FRAMES, LABELS = "frames", "labels"
LAYOUT = f"clips are laid out as PATH/CLIP/{FRAMES}/0001.jpg and so on, with label maps in PATH/CLIP/{LABELS}/0001.png"


def open_clips(
    path: Path,
    num_classes: int | None = None,
    labels: str = LABELS,
    take: int | None = None,
    leave: int | None = None,
) -> Dataset:
    """The clips of a folder. Where only some frames have label maps, those alone are scored.

    Args:
        path: holds a folder for each clip.
        num_classes: how many classes the labels hold; without labels it may be left out.
        labels: the name of the folders of label maps.
        take: of each clip only the first of every so many frames; None: all.
        leave: of each clip all but the first of every so many frames; None: all.

    Raises:
        UserError: another layout, labels without `num_classes`, no label map in a clip where another has some.

    """
    require_folder(path)
    names = sorted((entry.name for entry in path.iterdir() if (entry / FRAMES).is_dir()), key=natural_key)
    if not names:
        raise UserError(f"{path} holds no clips; {LAYOUT}")
    frames = {name: chosen_frames(path / name / FRAMES, take, leave) for name in names}
    maps = {name: _label_maps(path / name / labels, frames[name]) for name in names}
    labelled = any(maps.values())
    if labelled and num_classes is None:
        raise UserError(f"how many classes do the labels in {path} hold? Give num_classes")
    for name in names:
        if labelled and not maps[name]:
            raise UserError(f"clip {path / name} has no label map in {labels}, and others have; {LAYOUT}")
    every = all(len(maps[name]) == len(frames[name]) for name in names)
    clips = [
        _clip(name, path / name / FRAMES, frames[name], maps[name], num_classes if labelled else None, every)
        for name in names
    ]
    files = [path / name / FRAMES / frame for name in names for frame in frames[name]]
    files += [file for name in names for file in maps[name].values()]
    return Dataset(
        name=path.resolve().name,
        clips=tuple(clips),
        class_names=numbered_names(num_classes or 0),
        palette=colour_map(num_classes or 0),
        identity=describe(f"clips:{path.resolve().name},labels={labels}", clips, files),
    )


def _label_maps(folder: Path, frames: list[str]) -> dict[str, Path]:
    """The label map of each of the frames that has one."""
    by_stem = (
        {Path(name).stem: folder / name for name in list_images(folder, LABEL_SUFFIXES)} if folder.is_dir() else {}
    )
    return {frame: by_stem[Path(frame).stem] for frame in frames if Path(frame).stem in by_stem}


def _clip(
    name: str, folder: Path, frames: list[str], maps: Mapping[str, Path], num_classes: int | None, every: bool
) -> Clip:
    def read_one(index: int) -> Frame:
        file = folder / frames[index]
        image, source = read_frame(file), maps.get(frames[index])
        if source is None:
            return Frame(image, None, file.stem)
        return Frame(image, read_labels(source), file.stem, str(source))

    def read() -> Iterator[Frame]:
        return map(read_one, range(len(frames)))

    single = tuple(index for index, frame in enumerate(frames) if frame in maps)
    return Clip(
        name=name,
        read=read,
        num_frames=len(frames),
        labelled=bool(maps),
        num_classes=num_classes,
        labelled_frames=single if maps and not every else None,
        read_frame=read_one,
    )
