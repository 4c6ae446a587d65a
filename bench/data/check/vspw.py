"""What is missing from VSPW."""

from __future__ import annotations

from pathlib import Path

from bench.data.check.findings import Findings
from bench.data.image_files import LABEL_SUFFIXES, list_images
from bench.data.vspw import CLASS_NAMES_FILE, UNLABELLED_SPLIT, read_split
from mpvss.errors import UserError

VIDEOS = {"train": 2806, "val": 343, "test": 387}
"""Videos of each split, as published."""


def look_at_vspw(path: Path, split: str, findings: Findings) -> None:
    """Note what a split has and what is missing of it."""
    findings.need_folder(path / "data")
    try:
        videos = read_split(path, split)
    except UserError:
        findings.missing.append(f"file {path / split}.txt, with the name of a video a line")
        return
    folders = {video: (path / "data" / video / "origin", path / "data" / video / "mask") for video in videos}
    frames = {video: _names(origin) for video, (origin, _) in folders.items()}
    findings.found.append(f"{split}.txt names {len(videos)} videos")
    findings.lack("videos have no frames", [folders[video][0] for video in videos if not frames[video]], len(videos))
    if split != UNLABELLED_SPLIT:
        unlabelled = []
        for video, (_, masks) in folders.items():
            known = {Path(name).stem for name in _names(masks, LABEL_SUFFIXES)}
            unlabelled += [masks / f"{Path(name).stem}.png" for name in frames[video] if Path(name).stem not in known]
        findings.lack("frames have no label map", unlabelled, sum(map(len, frames.values())))
    findings.compare("videos", len(videos), VIDEOS[split])
    if not (path / CLASS_NAMES_FILE).is_file():
        findings.notes.append(f"without {path / CLASS_NAMES_FILE} classes are numbered, not named")


def _names(folder: Path, suffixes: tuple[str, ...] | None = None) -> list[str]:
    if not folder.is_dir():
        return []
    return list_images(folder) if suffixes is None else list_images(folder, suffixes)
