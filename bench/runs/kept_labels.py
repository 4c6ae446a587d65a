"""Label maps that a sweep kept, lossless: a file for each cell and clip. Imports no torch.

`labels/BACKBONE--METHOD--INTERVAL/NUMBER-CLIP.zip` in a run's folder holds a PNG for each label map, in the colours of
the classes and with the class ids as its values, and `about.json`. A map is `000012.png` for frame 12, or
`000012-3.png` where clips are scored by distance and its key frame lies 3 frames before.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from bench.runs.files import file_name, make_folder, read_bytes, remove_unfinished, write_atomically
from bench.runs.record_file import parse_record
from bench.runs.records.cell import CellKey
from bench.runs.records.labels import LabelsRecord
from mpvss.errors import UserError

FOLDER = "labels"
ABOUT = "about.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date in a zip file, so that the same label maps give the same file."""


@dataclass(frozen=True)
class KeptMap:
    """A label map, uint8 (H, W), of frame `frame`; `distance` as in `bench.evaluate.lockstep.Group`."""

    frame: int
    distance: int | None
    labels: np.ndarray


def encode(labels: np.ndarray, palette: np.ndarray) -> bytes:
    """A label map, uint8 (H, W), as a PNG whose values are the class ids; palette uint8 (C, 3)."""
    height, width = labels.shape
    image = Image.frombytes("P", (width, height), labels.tobytes())
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")  # optimize=True saves a sixth of the bytes, and takes ten times as long
    return buffer.getvalue()


def decode(png: bytes, height: int, width: int) -> np.ndarray:
    """The label map that `encode` was given.

    Raises:
        ValueError: the bytes are no such PNG, or of another size.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.mode != "P" or image.size != (width, height):
                raise ValueError(f"a label map has mode {image.mode} and is {image.width}x{image.height}")
            image.load()
            return np.array(image)
    # Pillow's decoder raises each of these over damaged files.
    except (OSError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class KeptClip:
    """The label maps of one cell in one clip, as read from `path`: compressed until they are asked for."""

    path: Path
    about: LabelsRecord
    content: bytes

    def maps(self) -> Iterator[KeptMap]:
        """The label maps, in the order of frames and distances.

        Raises:
            UserError: the file is damaged.
        """
        about = self.about
        distances = about.distances or [None] * len(about.frames)
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            for frame, distance in zip(about.frames, distances, strict=True):
                try:
                    labels = decode(_take(archive, _member(frame, distance)), about.height, about.width)
                except (KeyError, ValueError, *_ZIP_ERRORS) as error:
                    raise _damaged(self.path, error) from error
                yield KeptMap(frame, distance, labels)


@dataclass(frozen=True)
class LabelStore:
    """The kept label maps under a run's folder."""

    run: Path

    def file(self, key: CellKey, index: int, clip: str) -> Path:
        """The file of a cell's label maps in a clip, by the clip's number in the data set and its name."""
        return self._folder(key) / f"{index:05d}-{file_name(clip)}.zip"

    def has(self, key: CellKey, index: int, clip: str) -> bool:
        """Whether the label maps of a cell in a clip were kept."""
        return self.file(key, index, clip).is_file()

    def keeps(self, key: CellKey) -> bool:
        """Whether label maps of a cell were kept, in any clip."""
        return any(self._folder(key).glob("*.zip"))

    def read(self, key: CellKey, index: int, clip: str) -> KeptClip:
        """The label maps of a cell in a clip.

        Raises:
            UserError: the file is not there, damaged, or of another cell or clip.
        """
        file = self.file(key, index, clip)
        if not file.is_file():
            raise UserError(f"{file} is missing; rerun the sweep with --keep labels to make it")
        content = read_bytes(file)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                about = _take(archive, ABOUT)
        except (KeyError, ValueError, *_ZIP_ERRORS) as error:
            raise _damaged(file, error) from error
        record = parse_record(about, f"{file}, {ABOUT}", LabelsRecord)
        names = (record.backbone, record.method, record.interval, record.clip)
        asked = (key.backbone, key.method, key.interval, clip)
        if names != asked:
            raise UserError(
                f"{file} holds the label maps of {_named(*names)}, not of {_named(*asked)}; {LabelsRecord.remedy}"
            )
        return KeptClip(file, record, content)

    def copy_to(self, other: LabelStore, key: CellKey, index: int, clip: str) -> None:
        """Copy the label maps of a cell in a clip into another run.

        Raises:
            UserError: as `read`, and where the copy cannot be written.
        """
        kept = self.read(key, index, clip)
        file = other.file(key, index, clip)
        make_folder(file.parent)
        write_atomically(file, kept.content)

    def remove_unfinished(self) -> None:
        """Remove the files that a killed process was writing. Nobody else may be writing there."""
        for folder in (self.run / FOLDER).glob("*"):
            remove_unfinished(folder)

    def _folder(self, key: CellKey) -> Path:
        return self.run / FOLDER / key.file_name.removesuffix(".json")


class KeptClipWriter:
    """The label maps of one cell in one clip, as they come; `save` writes them in one step."""

    def __init__(self, key: CellKey, clip: str) -> None:
        self._key = key
        self._clip = clip
        self._size = (0, 0)
        self._maps: dict[tuple[int, int | None], bytes] = {}

    def add(self, frame: int, distance: int | None, size: tuple[int, int], png: bytes) -> None:
        """Take a label map, as `encode` gives it; size is (H, W)."""
        self._size = size
        self._maps[frame, distance] = png

    def save(self, store: LabelStore, index: int) -> None:
        """Write the file; without any label map there is none.

        Raises:
            UserError: it cannot be written.
        """
        if not self._maps:
            return
        maps = sorted(self._maps, key=lambda place: (place[0], place[1] or 0))
        height, width = self._size
        distances = [distance for _, distance in maps if distance is not None]
        about = LabelsRecord(
            backbone=self._key.backbone,
            method=self._key.method,
            interval=self._key.interval,
            clip=self._clip,
            height=height,
            width=width,
            frames=[frame for frame, _ in maps],
            distances=distances or None,
        )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            _put(archive, ABOUT, msgspec.json.encode(about))
            for frame, distance in maps:
                _put(archive, _member(frame, distance), self._maps[frame, distance])
        file = store.file(self._key, index, self._clip)
        make_folder(file.parent)
        write_atomically(file, buffer.getvalue())


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, struct.error)
"""What the zip reader raises over damaged files."""
_MOST_BYTES = 2**26
"""Of one entry of a file: the label map of the largest frame, or the `about.json` of a million label maps."""


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content)


def _take(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    if entry.file_size > _MOST_BYTES:
        raise ValueError(f"{name} has {entry.file_size} bytes; it may have {_MOST_BYTES}")
    return archive.read(entry)


def _member(frame: int, distance: int | None) -> str:
    return f"{frame:06d}.png" if distance is None else f"{frame:06d}-{distance}.png"


def _damaged(file: Path, error: Exception) -> UserError:
    return UserError(f"{file} is damaged ({type(error).__name__}: {error}); {LabelsRecord.remedy}")


def _named(backbone: str, method: str, interval: int, clip: str) -> str:
    return f"{method} with {backbone} at interval {interval} in clip {clip}"
