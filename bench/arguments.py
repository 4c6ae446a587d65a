"""Command-line arguments that several commands take. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re


def names(text: str) -> list[str]:
    """A list separated by commas, each name once."""
    return list(dict.fromkeys(filter(None, (item.strip() for item in text.split(",")))))


def integers(text: str) -> list[int]:
    """A list of whole numbers separated by commas, each once."""
    try:
        return list(dict.fromkeys(int(item) for item in names(text)))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers, as 1,2,5,10") from None


def size(text: str) -> tuple[int, int]:
    """A frame size, HEIGHTxWIDTH, as (height, width)."""
    matched = re.fullmatch(r"0*([1-9]\d*)x0*([1-9]\d*)", text)
    if not matched:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH, as 480x853")
    return int(matched[1]), int(matched[2])
