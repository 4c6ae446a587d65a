"""The `key=value` options at the end of a data spec, such as `clips=2,size=96x160`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bench.data.clip import MOST_PIXELS
from mpvss.errors import UserError

Reader = Callable[[str], Any]
"""A function from an option's text to its value; ValueError, saying what the text must be, where it cannot be one."""

_AT_THE_END = re.compile(r"((?:,\w+=[^,/]*)*)$")


def parse_options(kind: str, text: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The values of options.

    >>> parse_options("generated", "clips=2,size=96x160", {"clips": whole_number, "size": frame_size})
    {'clips': 2, 'size': (96, 160)}

    Args:
        kind: the kind of data, which begins every error.
        text: the options, separated by commas.
        readers: the options that the kind has.

    Raises:
        UserError: an option that is unknown, is given twice, or has a value that its reader refuses.

    """
    values: dict[str, Any] = {}
    for item in filter(None, text.split(",")):
        key, equals, value = item.partition("=")
        if key not in readers:
            known = (
                f"options are {', '.join(readers)}" if len(readers) > 1 else f"the one option is {next(iter(readers))}"
            )
            raise UserError(f"{kind}: unknown option {key!r}; {known}")
        if not equals:
            raise UserError(f"{kind}: option {key} has no value; write {key}=VALUE")
        if key in values:
            raise UserError(f"{kind}: option {key} is given twice")
        try:
            values[key] = readers[key](value)
        except ValueError as error:
            raise UserError(f"{kind}: {key} is {value!r}; it must be {error}") from None
    return values


def split_path(text: str) -> tuple[str, str]:
    """A path, and the options after it. Commas and equals signs inside the path's folders stay in the path.

    >>> split_path("data/a,b=1/vspw,split=train")
    ('data/a,b=1/vspw', 'split=train')
    """
    start = _AT_THE_END.search(text)
    assert start is not None, "the pattern matches the empty end of any text"
    return text[: start.start()], start[1].removeprefix(",")


def whole_number(text: str) -> int:
    """A whole number, 0 or more."""
    if not re.fullmatch(r"[0-9]+", text):
        raise ValueError("a whole number, 0 or more")
    return int(text)


def frame_size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH as (height, width), in pixels."""
    match = re.fullmatch(r"([0-9]+)x([0-9]+)", text)
    if not match:
        raise ValueError("HEIGHTxWIDTH, as 96x160")
    height, width = int(match[1]), int(match[2])
    if height * width > MOST_PIXELS:
        raise ValueError(f"{MOST_PIXELS} pixels or fewer")
    return height, width


def one_of(*choices: str) -> Reader:
    """A reader of one of a few words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return text

    return read
