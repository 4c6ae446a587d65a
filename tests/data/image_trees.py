"""Small trees of image files for the readers' tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def save(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 3) as RGB or (H, W) as greyscale, making the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def grey(value: int, size: tuple[int, int] = (8, 12)) -> np.ndarray:
    """An RGB picture of one value."""
    return np.full((*size, 3), value, np.uint8)


def ids(value: int, size: tuple[int, int] = (8, 12)) -> np.ndarray:
    """A label map of one id."""
    return np.full(size, value, np.uint8)
