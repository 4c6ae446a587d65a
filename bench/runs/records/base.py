"""What all records share: strictness, and the kinds of number that their fields hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Positive = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Quantity = Annotated[float, Meta(ge=0)]
"""A number that is not negative: seconds, joules, multiply-accumulates."""
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=1000)]
Kind = Literal["key", "non-key"]
Scope = Literal["model", "labels", "video", "throughput"]
Operators = dict[str, Count]
"""How often each operator was called."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""The JSON object of one schema as that of the next."""


class Part(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a record. A field that has its default, or None, is left out of the file."""


class Record(Part, kw_only=True, frozen=True):
    """The content of one file; `schema`, the version of its layout, stands first in it."""

    migrations: ClassVar[Mapping[int, Migration]]
    """The step from each older schema to the one after it."""
    unnamed: ClassVar[int | None] = None
    """The schema of the first files, which named none; None where they did."""
    remedy: ClassVar[str]
    """What to do about a file that is damaged."""


def schema_of(kind: type[Record]) -> int:
    """The present version of a record's layout."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, int)
    return tag


def same_length(**columns: Any) -> None:
    """Raise ValueError where lists that belong together differ in length; None is no list."""
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        raise ValueError(f"lists that belong together differ in length: {listed}")
