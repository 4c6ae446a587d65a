"""What is missing from CamVid, and from folders of frames and label maps."""

from __future__ import annotations

from pathlib import Path

from bench.data.camvid import folders_of
from bench.data.check.findings import Findings
from bench.data.folder import clip_folders
from bench.data.image_files import FRAME_SUFFIXES, LABEL_SUFFIXES, list_images


def look_at_camvid(path: Path, findings: Findings) -> None:
    """Note what the frames' folder has, and what is missing of it and of the labels' beside it."""
    frames, labels = folders_of(path)
    if findings.need_folder(frames) and findings.need_folder(labels):
        _look_at_pairs({frames: labels}, findings)


def look_at_folder(path: Path, labels: str | None, num_classes: int | None, findings: Findings) -> None:
    """Note what the frames' folder has, and what is missing of the labels'."""
    if labels is not None and num_classes is None:
        findings.missing.append("the number of classes of the labels; give --classes")
    if not findings.need_folder(path) or (labels is not None and not findings.need_folder(Path(labels))):
        return
    names = clip_folders(path, None if labels is None else Path(labels)) or [""]
    if labels is None:
        _look_at_pairs({path / name: None for name in names}, findings)
    else:
        _look_at_pairs({path / name: Path(labels) / name for name in names}, findings)


def _look_at_pairs(folders: dict[Path, Path] | dict[Path, Path | None], findings: Findings) -> None:
    """Note how many frames the folders hold, and those without a label map in the folder that goes with each."""
    frames, unlabelled = 0, []
    for folder, labels in folders.items():
        names = list_images(folder)
        frames += len(names)
        if not names:
            findings.missing.append(f"frames in {folder}: there are no files of {', '.join(FRAME_SUFFIXES)}")
        if labels is not None:
            known = {Path(name).stem for name in list_images(labels, LABEL_SUFFIXES)} if labels.is_dir() else set()
            unlabelled += [labels / f"{Path(name).stem}.png" for name in names if Path(name).stem not in known]
    findings.lack("frames have no label map", unlabelled, frames)
