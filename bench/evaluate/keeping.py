"""Keeping label maps while clips are scored, and giving them back in the place of the networks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from bench.data import Clip, Frame
from bench.evaluate.lockstep import Cell, Group
from bench.runs.kept_labels import KeptClip, KeptClipWriter, KeptMap, LabelStore, encode
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError


@dataclass(frozen=True)
class Keeping:
    """Where the label maps of a backbone's cells are kept; palette uint8 (C, 3). It can be pickled."""

    run: Path
    backbone: str
    palette: np.ndarray

    @property
    def store(self) -> LabelStore:
        """The kept label maps of the run."""
        return LabelStore(self.run)

    def has(self, cell: Cell, index: int, clip: str) -> bool:
        """Whether a cell's label maps of a clip are there."""
        return self.store.has(self.key(cell), index, clip)

    def key(self, cell: Cell) -> CellKey:
        """What the cell is found by in the run."""
        return CellKey(self.backbone, cell.method, cell.interval)


class LabelKeeper:
    """Keeps the label maps of cells in one clip, fed frame by frame; a map of several cells is encoded once."""

    def __init__(self, keeping: Keeping, cells: Iterable[Cell], clip: str) -> None:
        self._keeping = keeping
        self._writers = {cell: KeptClipWriter(keeping.key(cell), clip) for cell in cells}
        self._encoded: dict[int, tuple[np.ndarray, bytes]] = {}

    def update(self, frame: int, groups: Collection[Group]) -> None:
        """Take the label maps of frame `frame`, counted from 0."""
        # Those of the frame before are known still: a copied prediction is the same array again.
        encoded: dict[int, tuple[np.ndarray, bytes]] = {}
        for group in groups:
            known = self._encoded.get(id(group.labels)) or encoded.get(id(group.labels))
            labels, png = known or (group.labels, encode(group.labels, self._keeping.palette))
            encoded[id(labels)] = (labels, png)
            height, width = labels.shape
            for cell in group.cells:
                self._writers[cell].add(frame, group.distance, (height, width), png)
        self._encoded = encoded

    def end(self, index: int, failed: Collection[str]) -> None:
        """Write a file for each cell, but of the methods that failed; `index` is the clip's number."""
        for cell, writer in self._writers.items():
            if cell.method not in failed:
                writer.save(self._keeping.store, index)


def kept_groups(clip: Clip, kept: Mapping[Cell, KeptClip]) -> Iterator[tuple[Frame, list[Group]]]:
    """Each frame of a clip with the label maps that were kept of it, as a lockstep gives them.

    Raises:
        UserError: a file is damaged, or its label maps do not go with the clip.
    """
    waiting = {cell: _Waiting(file) for cell, file in kept.items()}
    last = None if clip.labelled_frames is None else clip.labelled_frames[-1] + 1
    for index, frame in enumerate(islice(clip.frames(), last)):
        groups = [
            Group((cell,), found.labels, found.distance)
            for cell, maps in waiting.items()
            for found in maps.of_frame(index, frame.image.shape[1:], needed=clip.labelled_frames is None)
        ]
        yield frame, groups
    for maps in waiting.values():
        maps.check_end()


class _Waiting:
    """The label maps of a file, taken frame by frame."""

    def __init__(self, file: KeptClip) -> None:
        self._file = file
        self._maps = file.maps()
        self._next = next(self._maps, None)

    def of_frame(self, index: int, size: tuple[int, ...], *, needed: bool) -> list[KeptMap]:
        about = self._file.about
        if (about.height, about.width) != size:
            raise UserError(
                f"{self._file.path} holds label maps of {about.width}x{about.height} pixels, and the frames of clip "
                f"{about.clip} have {size[1]}x{size[0]}; its data is another"
            )
        found = []
        while self._next is not None and self._next.frame == index:
            found.append(self._next)
            self._next = next(self._maps, None)
        if needed and not found:
            raise UserError(f"{self._file.path} lacks frame {index} of clip {about.clip}; {about.remedy}")
        return found

    def check_end(self) -> None:
        if self._next is not None:
            raise UserError(
                f"{self._file.path} holds frame {self._next.frame}, which clip {self._file.about.clip} does not have; "
                "its data is another"
            )
