"""Reading a training configuration: tables of a TOML file or preset, converted and checked by type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.train.configuration import TrainConfig
from bench.train.tables import read_tables
from mpvss.errors import UserError

_WHERE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_NOT_A_TABLE_KEY = re.compile(r"Object (?P<what>contains unknown|missing required) field `(?P<key>[^`]*)`")


def read_config(name: str, changes: Sequence[str] = ()) -> TrainConfig:
    """The configuration in a file, or of a preset, with `SECTION.KEY=VALUE` changes.

    Raises:
        UserError: as `read_tables`; an unknown key, a missing or impossible value. It names the file and `section.key`.
    """
    path, tables = read_tables(name, changes)
    try:
        return msgspec.convert(tables, TrainConfig)
    except msgspec.ValidationError as error:
        words = _explain(error, tables, path)
        raise UserError(words if str(path) in words else f"{path}: {words}") from error


def _explain(error: msgspec.ValidationError, tables: Mapping[str, Any], path: Path) -> str:
    """The error in the configuration's own words: `section.key`, its value, and what would be right."""
    where = _WHERE.search(str(error))
    place = where["place"] if where else ""
    text = str(error)[: where.start()] if where else str(error)
    if isinstance(error.__cause__, UserError):  # a table checked its own values
        return text if not place or f"{place}." in text else f"{place}: {text}"
    key = _NOT_A_TABLE_KEY.match(text)
    if key and key["what"] == "missing required":
        missing = f"{place}.{key['key']}" if place else f"section [{key['key']}]"
        return f"{missing} is missing in {path}"
    if key:
        known = ", ".join(_known_keys(place))
        what = f"{place}: key" if place else f"{path}: section"
        return f"{what} {key['key']!r} is not known; known are {known}"
    words = text.replace("`object`", "a table").replace("`array`", "a list").replace("Expected", "it must be")
    return f"{place} is {_value_at(place, tables)!r}; {words.replace(', got', ', not')}"


def _known_keys(section: str) -> list[str]:
    types = {field.name: field.type for field in msgspec.structs.fields(TrainConfig)}
    return [field.name for field in msgspec.structs.fields(types[section])] if section else list(types)


def _value_at(place: str, tables: Mapping[str, Any]) -> Any:
    """The value at a place such as `data.crop[1]`."""
    value: Any = tables
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", place):
        value = value[key] if key else value[int(index)]
    return value
