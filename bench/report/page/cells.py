"""The table of all configurations: the columns that matter, and a switch for the others."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.report.page.fill import fill, options
from bench.report.rows import Row, is_there, is_untrained
from bench.report.study import Study
from bench.report.tables.formats import SWITCH
from bench.report.tables.tables import FURTHER, MAIN, Column, value_text

SHOWN = ("miou", "mvc8", "mean_macs", "parameters")
"""Fields of the columns that stand without the switch."""
ROOMY = ("mvc8", "parameters")
"""Those that a phone leaves to the switch too."""


def cells(study: Study) -> str:
    """Every row of every run."""
    rows = [cell for run in study.runs for cell in run.cells]
    columns = [column for column in (*MAIN, *FURTHER) if any(is_there(cell, column.field) for cell in rows)]
    heads = [("Method", "text"), ("Backbone", "text roomy"), ("Interval", "")]
    heads += [(column.header, _class(column)) for column in columns]
    heads += [("ms a frame (measured)", ""), ("Times are of", "text more"), ("Run", "text roomy")]
    heads += [("Weights", "text more"), ("Status", "text more")]
    return fill(
        "cells",
        switch=SWITCH,
        runs=options(run.name for run in study.runs),
        backbones=options(dict.fromkeys(cell["backbone"] for cell in rows)),
        methods=options(dict.fromkeys(cell["method"] for cell in rows)),
        heads="".join(
            f'<th scope="col" class="{kind}"><button type="button">{escape(name)}</button></th>' for name, kind in heads
        ),
        rows="\n".join(_row(cell, columns) for cell in rows),
    )


def _class(column: Column) -> str:
    return "roomy" if column.field in ROOMY else "" if column.field in SHOWN else "more"


def _row(cell: Row, columns: Sequence[Column]) -> str:
    tags = "".join(f' data-{name}="{escape(cell[name])}"' for name in ("run", "backbone", "method"))
    failed = cell["status"] != "ok"
    notes = [name for name, holds in (("untrained", is_untrained(cell)), ("failed", failed)) if holds]
    method, backbone, run = (escape(cell[name]) for name in ("method", "backbone", "run"))
    badges = "".join(f' <span class="note">{note}</span>' for note in notes)
    parts = [
        f'<th scope="row" data-value="{method}">{method}{badges}</th>',
        _td(backbone, backbone, "text roomy"),
        _td(str(cell["interval"]), str(cell["interval"])),
    ]
    for column in columns:
        there = is_there(cell, column.field)
        value = f"{float(cell[column.field]) * column.factor:.10g}" if there else ""
        parts.append(_td(value, value_text(cell, column), _class(column)))
    time = 1000 / float(cell["fps_labels"]) if is_there(cell, "fps_labels") else None
    whose = f"{cell['timed_in']}: {cell['timed_on']}" if is_there(cell, "timed_in") else run if time else "-"
    status = f"failed: {cell['error']}" if failed else "ok"
    parts += [
        _td("", "-", "measured") if time is None else _td(f"{time:.10g}", f"{time:.2f}", "measured"),
        _td(escape(whose), escape(whose), "text more"),
        _td(run, run, "text roomy"),
        *(_td(escape(text), escape(text), "text more") for text in (_weights(cell), status)),
    ]
    return f"<tr{tags}>{''.join(parts)}</tr>"


def _weights(cell: Row) -> str:
    return str(cell["weights"]) if is_there(cell, "weights") else "-"


def _td(value: str, text: str, kind: str = "") -> str:
    return f'<td class="{kind}" data-value="{value}">{text}</td>' if kind else f'<td data-value="{value}">{text}</td>'
