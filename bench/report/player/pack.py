"""Label maps and pictures as text that a script of a page can hold."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image, features

PICTURE_FORMAT = "WEBP" if features.check("webp") else "JPEG"
QUALITY = 80


def pack_labels(maps: Iterable[np.ndarray]) -> str:
    """Label maps of one size, uint8 (H, W), lossless: one after the other, as zlib in base64.

    Differences from map to map take more: a network's boundaries tremble, and lie in other places each time.
    """
    compressor = zlib.compressobj()
    parts = [compressor.compress(labels.tobytes()) for labels in maps]
    return base64.b64encode(b"".join(parts) + compressor.flush()).decode()


def pack_picture(image: np.ndarray) -> str:
    """A picture, uint8 (H, W, 3), as the address of an image that holds it; a little is lost."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, PICTURE_FORMAT, quality=QUALITY)
    return f"data:image/{PICTURE_FORMAT.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
