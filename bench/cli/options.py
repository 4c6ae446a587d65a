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


def add_data(parser: argparse._ActionsContainer) -> None:
    """Which frames to run on."""
    parser.add_argument("--data", default="generated", metavar="SPEC", help="see below (default: generated)")
    parser.add_argument("--labels", metavar="DIR", help="label maps for folder:PATH")
    parser.add_argument("--classes", type=int, metavar="N", help="number of classes, where the data does not say")


def add_device(parser: argparse._ActionsContainer) -> None:
    """Where to run."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: as torch chooses)")


def add_mode(parser: argparse._ActionsContainer) -> None:
    """How networks are run; `bench.measure.time.modes.mode_of` reads it."""
    parser.add_argument("--amp", choices=("bfloat16", "float16"), help="autocast to this format")
    parser.add_argument("--channels-last", action="store_true", help="weights with the channels last")
    parser.add_argument("--compile", action="store_true", help="torch.compile; what it takes is recorded apart")
    parser.add_argument("--cuda-graphs", action="store_true", help="capture each kind of frame and replay it")
