"""Reading and writing a record: what does not fit its definition is refused, with the file and the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.runs.files import read_bytes, write_json
from bench.runs.records.base import Record, schema_of
from mpvss.errors import UserError

Content = TypeVar("Content", bound=Record)


def read_record(path: Path, kind: type[Content]) -> Content:
    """The content of a record's file; of an older schema, in the present layout.

    Raises:
        UserError: the file cannot be read, is no JSON, has a schema that is not known, or does not fit the record. The
            message names the file and the field.
    """
    return parse_record(read_bytes(path), str(path), kind)


def parse_record(data: bytes, path: str, kind: type[Content]) -> Content:
    """A record from its JSON; `path` names where it comes from. UserError as `read_record`."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); {kind.remedy}") from None
    try:
        return msgspec.convert(_in_present_layout(content, path, kind), kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} does not fit: {str(error).replace('`$.', '`')}; {kind.remedy}") from None


def write_record(path: Path, record: Record) -> None:
    """Write a record in one step.

    Raises:
        ValueError: the record does not fit its definition, as where a number is NaN.
        UserError: the file cannot be written.
    """
    content = msgspec.to_builtins(record, enc_hook=_plain)
    msgspec.convert(content, type(record))
    write_json(path, content)


def _in_present_layout(content: Any, path: str, kind: type[Record]) -> Any:
    if not isinstance(content, dict) or ("schema" not in content and kind.unnamed is None):
        what = "names no schema" if isinstance(content, dict) else f"holds a {type(content).__name__}, not an object"
        raise UserError(f"{path} is damaged (it {what}); {kind.remedy}")
    schema, latest = content.get("schema", kind.unnamed), schema_of(kind)
    while schema != latest:
        if type(schema) is not int or schema not in kind.migrations:
            raise UserError(f"{path} has schema {schema!r}; this version reads schemas up to {latest}")
        try:
            content = kind.migrations[schema](content)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{path} does not fit schema {schema} ({what}); {kind.remedy}") from None
        schema += 1
    return {**content, "schema": latest}


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} has no place in a record")
