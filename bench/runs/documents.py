"""Tables of fields and JSON Schemas of every file, made from the records; `python -m bench.runs.documents` writes them.

The tables stand in `results/README.md` between two marks, the schemas in `results/schema/`. Run it at the root of the
checkout.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bench.runs.files import make_folder, read_bytes, write_json, write_text
from bench.runs.records.base import Record, schema_of
from bench.runs.records.baseline import Baseline
from bench.runs.records.card import CardCell, CardRecord
from bench.runs.records.cell import CellRecord
from bench.runs.records.cost import CostRecord
from bench.runs.records.history import PointRecord
from bench.runs.records.labels import LabelsRecord
from bench.runs.records.peer import PeerRecord
from bench.runs.records.predict import PredictRecord
from bench.runs.records.run import RunRecord
from bench.runs.records.schedules import ScheduleCell, SchedulesRecord
from bench.runs.records.stream import StreamCell, StreamRecord
from bench.runs.records.training import TrainingRecord
from bench.runs.records.trials import TrialsRecord
from mpvss.errors import UserError

RECORDS: dict[str, type[Record]] = {
    "run": RunRecord,
    "cell": CellRecord,
    "labels": LabelsRecord,
    "cost": CostRecord,
    "peer": PeerRecord,
    "predict": PredictRecord,
    "card": CardRecord,
    "card-cell": CardCell,
    "stream": StreamRecord,
    "stream-cell": StreamCell,
    "schedules": SchedulesRecord,
    "schedules-cell": ScheduleCell,
    "training": TrainingRecord,
    "baseline": Baseline,
    "trials": TrialsRecord,
    "history-point": PointRecord,
}
"""Every record, by the stem of its JSON Schema."""
BEGIN, END = "<!-- Fields: made by python -m bench.runs.documents -->\n", "<!-- End of fields -->\n"


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each record, by the name of its file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.json": {**head, **_schema(kind)} for name, kind in RECORDS.items()}


def field_tables() -> str:
    """A section for each record: its fields, and those of its parts, each part once."""
    described: set[str] = set()
    return "\n".join(part for kind in RECORDS.values() for part in _section(kind, described))


def with_field_tables(text: str) -> str:
    """A README with its tables of fields made anew.

    Raises:
        UserError: the text lacks the marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"the README lacks the line {(END if begin else BEGIN).strip()!r}")
    return f"{before}{BEGIN}\n{field_tables()}\n{END}{after}"


def write_documents(results: Path = Path("results")) -> None:
    """Write the schemas, and the tables into the README."""
    readme = results / "README.md"
    write_text(readme, with_field_tables(read_bytes(readme).decode()))
    make_folder(results / "schema")
    for name, schema in json_schemas().items():
        write_json(results / "schema" / name, schema)


def _schema(kind: type[Record]) -> dict[str, Any]:
    """The JSON Schema of a record; docstrings are without the indent that Python before 3.13 leaves in them."""
    schema = msgspec.json.schema(kind)
    for definition in schema["$defs"].values():
        definition["description"] = inspect.cleandoc(definition["description"])
    return schema


def _section(kind: type[Record], described: set[str]) -> Iterator[str]:
    definitions = _schema(kind)["$defs"]
    yield f"### {inspect.cleandoc(kind.__doc__ or '').rstrip('.')}: schema {schema_of(kind)}\n"
    yield _table(definitions[kind.__name__])
    for name, definition in definitions.items():
        if name != kind.__name__ and name not in described:
            described.add(name)
            yield f"#### {name}\n\n{definition['description']}\n"
            yield _table(definition)


def _table(definition: dict[str, Any]) -> str:
    required = definition.get("required", ())
    lines = ["| field | type | what |", "| --- | --- | --- |"]
    for name, field in definition["properties"].items():
        optional = "" if name in required else ", may be missing"
        what = field.get("description", "version of this layout")
        lines.append(f"| `{name}` | {_type(field)}{optional} | {what} |")
    return "\n".join(lines) + "\n"


def _type(field: dict[str, Any]) -> str:
    """What a JSON Schema allows, in a few words."""
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(map(_type, field["anyOf"])))
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if "enum" in field:
        return " or ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = field.get("type", "any value")
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object":
        values = field.get("additionalProperties", {})
        keys = field.get("propertyNames", {}).get("enum")
        by = f" by {', '.join(f'`{key}`' for key in keys)}" if keys else " by name"
        return f"{_type(values) if isinstance(values, dict) else 'any value'}{by}"
    return kind + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if "exclusiveMinimum" in field:
        return " above 0"
    if low is None:
        return ""
    return f" {low:g} to {high:g}" if high == 1 else f" from {low:g}"


if __name__ == "__main__":
    write_documents()
