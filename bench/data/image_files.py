"""Frames and label maps as image files: finding, ordering and reading them."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from bench.data.clip import MOST_PIXELS
from mpvss.errors import UserError

FRAME_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Label ids do not survive the lossy formats."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""What a file may be by its content, whatever it is called. Pillow knows more formats; one of them starts a program."""
_EIGHT_BIT_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """A sort key that compares numbers as numbers: frame_2 before frame_10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts], name


def list_images(folder: Path, suffixes: tuple[str, ...] = FRAME_SUFFIXES) -> list[str]:
    """The names of the image files directly in a folder, in natural order, without hidden files.

    Raises:
        UserError: two files that differ only in their suffix.

    """
    names = [
        entry.name
        for entry in folder.iterdir()
        if entry.suffix.lower() in suffixes and not entry.name.startswith(".") and entry.is_file()
    ]
    names.sort(key=natural_key)
    stems: dict[str, str] = {}
    for name in names:
        other = stems.setdefault(Path(name).stem, name)
        if other != name:
            raise UserError(f"{folder} holds {other} and {name}; one frame or label map has one file")
    return names


def read_frame(path: Path) -> UInt8[np.ndarray, "3 h w"]:
    """An image file as RGB, (3, H, W). Greyscale is repeated, transparency dropped.

    Raises:
        UserError: a file that is not an image, is truncated, has more than `MOST_PIXELS` pixels, or more than 8 bits a
            channel.

    """
    image = _load(path)
    if image.mode not in _EIGHT_BIT_MODES:
        raise UserError(f"{path} is of mode {image.mode}; frames have 8 bits a channel")
    return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


def read_labels(path: Path) -> UInt8[np.ndarray, "h w"]:
    """A label map, (H, W): the values of a greyscale image or the indices of one with a palette.

    Raises:
        UserError: a file that is not an image, is truncated, has too many pixels, or is not 8-bit with one channel.

    """
    image = _load(path)
    if image.mode not in ("L", "P"):
        raise UserError(
            f"{path} is of mode {image.mode}; a label map has one 8-bit channel of class ids "
            "(mode L, or P with a palette)"
        )
    return np.array(image)


def digest(files: Iterable[Path]) -> str:
    """A short fingerprint of files by their order, names and sizes; contents are not read."""
    seen = hashlib.sha256()
    for file in files:
        seen.update(f"{file.name}\0{file.stat().st_size}\0".encode())
    return seen.hexdigest()[:8]


def _load(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels <= MOST_PIXELS:
                image.load()
                return image
    # Pillow's decoders raise each of these over damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as an image: {error}") from error
    raise UserError(f"{path} has {pixels} pixels; an image may have {MOST_PIXELS}")
