"""The raw tables of a training configuration: its file, the file that this extends, and changes. Imports no torch."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpvss.errors import UserError
from mpvss.files import is_file

PRESETS = Path(__file__).parent / "presets"
"""The folder of the configurations that come with the project."""


def preset_names() -> list[str]:
    """The names of the configurations that come with the project."""
    return sorted(preset.stem for preset in PRESETS.glob("*.toml"))


def read_tables(name: str, changes: Sequence[str] = ()) -> tuple[Path, dict[str, Any]]:
    """The file called `name`, or the preset's, and its tables with `SECTION.KEY=VALUE` changes.

    A file that begins with `extends = "NAME"` changes single values of another: a preset, or a file beside it.

    Raises:
        UserError: no such file or preset, a file that is not TOML, files that extend each other, a change that is not
            SECTION.KEY=VALUE or whose section is no table.
    """
    path = next((path for path in (Path(name), PRESETS / f"{name}.toml") if is_file(path)), None)
    if path is None:
        raise UserError(f"{name} is neither a file nor a preset; presets are {', '.join(preset_names())}")
    tables = _read(path, ())
    for change in changes:
        key, equals, value = change.partition("=")
        section, dot, key = key.partition(".")
        if not equals or not dot:
            raise UserError(f"change {change!r}: write SECTION.KEY=VALUE, as training.steps=100")
        table = tables.setdefault(section, {})
        if not isinstance(table, dict):
            raise UserError(f"change {change!r}: {section} is {table!r} in {path}; it must be a table")
        table[key] = _value(value)
    return path, tables


def _read(path: Path, extending: tuple[Path, ...]) -> dict[str, Any]:
    """A file's tables, over those of the file it extends; `extending` are the files that led here."""
    if path in extending:
        chain = " extends ".join(str(file) for file in (*extending[extending.index(path) :], path))
        raise UserError(f"{chain}: a configuration cannot extend itself")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also text that is no UTF-8, numbers of too many digits, deep lists
        raise UserError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    name = tables.pop("extends", None)
    if name is None:
        return tables
    base = None
    if isinstance(name, str):
        base = next((file for file in (path.parent / name, PRESETS / f"{name}.toml") if is_file(file)), None)
    if base is None:
        raise UserError(
            f"{path} extends {name!r}, neither a file beside it nor a preset; presets are {', '.join(preset_names())}"
        )
    merged = _read(base, (*extending, path))
    for section, values in tables.items():
        both = isinstance(values, dict) and isinstance(merged.get(section), dict)
        merged[section] = {**merged[section], **values} if both else values
    return merged


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
