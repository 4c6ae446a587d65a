"""What label maps hold. Imports no torch."""

from __future__ import annotations

from mpvss.errors import UserError

IGNORE = 255
"""The label of pixels that no measure counts, in every label map of the project; loaders translate to it."""
MAX_CLASSES = IGNORE
"""The most classes that 8-bit label maps can tell apart beside `IGNORE`."""


def check_num_classes(num_classes: int) -> None:
    """Raise UserError unless label maps can hold `num_classes` classes and the ignore label."""
    if not 1 <= num_classes <= MAX_CLASSES:
        raise UserError(f"num_classes is {num_classes}; label maps hold 1 to {MAX_CLASSES} classes")
