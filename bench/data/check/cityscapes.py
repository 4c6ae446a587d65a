"""What is missing from Cityscapes with its video sequences."""

from __future__ import annotations

from pathlib import Path

from bench.data.check.findings import Findings
from bench.data.cityscapes import LABELLED_FRAME, SNIPPET_LENGTH, UNLABELLED_SPLIT, list_frames, list_labels

SNIPPETS = {"train": 2975, "val": 500, "test": 1525}
"""Snippets of 30 frames of each split, as published."""


def look_at_cityscapes(path: Path, split: str, findings: Findings) -> None:
    """Note what a split has and what is missing of it."""
    sequences, truth = path / "leftImg8bit_sequence" / split, path / "gtFine" / split
    there = [findings.need_folder(folder) for folder in (sequences, truth)]
    if not there[0] and (path / "leftImg8bit").is_dir():
        findings.notes.append("leftImg8bit holds single images; needed is leftImg8bit_sequence_trainvaltest.zip")
    frames = list_frames(sequences) if there[0] else {}
    labels = list_labels(truth) if there[1] else {}
    for folder, listed, name in ((sequences, frames, "…_leftImg8bit.png"), (truth, labels, "…_gtFine_labelIds.png")):
        if folder.is_dir():
            findings.found.append(f"{len(listed)} files in {folder}")
        if folder.is_dir() and not listed:
            findings.missing.append(f"{folder}/CITY/CITY_SEQUENCE_NUMBER{name}")
    if not (frames and labels):
        return
    incomplete = []
    for sequence, number in labels:
        first = number - LABELLED_FRAME
        absent = [index for index in range(first, first + SNIPPET_LENGTH) if (sequence, index) not in frames]
        if absent:
            incomplete.append(f"{sequence}_{absent[0]:06d}_leftImg8bit.png ({len(absent)} of {SNIPPET_LENGTH} frames)")
    findings.lack("labelled snippets lack frames", incomplete, len(labels))
    covered = {
        (sequence, number - LABELLED_FRAME + index) for sequence, number in labels for index in range(SNIPPET_LENGTH)
    }
    stray = [file for key, file in frames.items() if key not in covered]
    findings.lack("frames are in no labelled snippet", stray, len(frames))
    findings.compare("snippets", len(labels), SNIPPETS[split])
    if split == UNLABELLED_SPLIT:
        findings.notes.append("the labels of test are placeholders and are not read")
