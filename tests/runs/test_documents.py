"""The documents of the files are those that the records make, and name every field and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.runs.documents import RECORDS, json_schemas, with_field_tables
from mpvss.errors import UserError

RESULTS = Path(__file__).resolve().parents[2] / "results"


def test_the_committed_documents_are_made_from_the_records():
    readme = (RESULTS / "README.md").read_text()
    assert with_field_tables(readme) == readme, "run python -m bench.runs.documents"
    committed = {file.name: json.loads(file.read_text()) for file in (RESULTS / "schema").glob("*.json")}
    assert committed == json_schemas(), "run python -m bench.runs.documents"


def test_a_readme_without_the_marks_is_refused():
    with pytest.raises(UserError, match="lacks the line '<!-- Fields"):
        with_field_tables("# Results")


def test_every_field_is_described():
    for schema in json_schemas().values():
        for name, definition in schema["$defs"].items():
            assert definition["description"]
            for field, about in definition["properties"].items():
                assert field == "schema" or about.get("description"), f"{name}.{field}"
    assert {f"{name}.json" for name in RECORDS} == json_schemas().keys()
