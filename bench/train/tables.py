"""The tables of a training configuration as its file, what that extends, and `--set` make them; values unchecked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.cli.train import PRESETS
from mpvss.errors import UserError


def read_tables(name: str, changes: Sequence[str] = ()) -> tuple[Path, dict[str, Any]]:
    """The file called `name`, or the preset's, and its tables with `SECTION.KEY=VALUE` changes.

    A file that begins with `extends = "NAME"` changes single values of another: a preset, or a file beside it.

    Raises:
        UserError: no such file or preset, no TOML, files that extend each other, a change of another form.
    """
    path = next((path for path in (Path(name), PRESETS / f"{name}.toml") if path.is_file()), None)
    if path is None:
        raise UserError(f"{name} is neither a file nor a preset; presets are {_known()}")
    tables = _read(path, ())
    for change in changes:
        key, equals, value = change.partition("=")
        section, dot, key = key.partition(".")
        if not equals or not dot:
            raise UserError(f"--set {change}: write SECTION.KEY=VALUE, as training.steps=100")
        tables.setdefault(section, {})[key] = _value(value)
    return path, tables


def _read(path: Path, extending: tuple[Path, ...]) -> dict[str, Any]:
    """A file's tables, over those of the file it extends; `extending` are the files that led here."""
    if path in extending:
        chain = " extends ".join(str(file) for file in (*extending[extending.index(path) :], path))
        raise UserError(f"{chain}: a configuration cannot extend itself")
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not TOML: {error}") from error
    name = tables.pop("extends", None)
    if name is None:
        return tables
    base = None
    if isinstance(name, str):
        base = next((file for file in (path.parent / name, PRESETS / f"{name}.toml") if file.is_file()), None)
    if base is None:
        raise UserError(f"{path} extends {name!r}, neither a file beside it nor a preset; presets are {_known()}")
    merged = _read(base, (*extending, path))
    for section, values in tables.items():
        both = isinstance(values, dict) and isinstance(merged.get(section), dict)
        merged[section] = {**merged[section], **values} if both else values
    return merged


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _known() -> str:
    return ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml")))
