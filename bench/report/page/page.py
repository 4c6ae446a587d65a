"""The page: one HTML file that holds all it needs, so that it works from disk and offline."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from urllib.parse import quote

from bench.report.claims.claims import CLAIMS_NOTE, NOT_MEASURABLE, Verdict
from bench.report.contents import Report
from bench.report.page.data import as_json, cost_names, page_costs, page_data
from bench.report.rows import Row, is_there, is_untrained
from bench.report.study import Study, StudyRun, picture_title
from bench.report.summary import setting_lines, summary, warning
from bench.report.tables.formats import as_html
from bench.report.tables.tables import FURTHER, MAIN, Column, value_text
from bench.runs.files import read_bytes

FILES = Path(__file__).parent
IN_A_DATA_URL = " <>/=:;,.()'{}!?*+@[]|~^-_"
"""Characters of an SVG that may stay as they are, which keeps the page short."""
TEXT, TEXTS = ' class="text"', ("Backbone", "Run", "Weights", "Status")
"""Columns of the configurations that stand to the left."""
PLAYER = '<p><a href="{page}">Watch clips of these runs frame by frame</a>: two methods beside each other.</p>'
TITLE = "Efficient video semantic segmentation: what was measured"


def make_page(report: Report, player: str | None = None) -> str:
    """The page of a report; `player` is the path of the player beside it."""
    sections = [(title, body) for title, body in _sections(report, player) if body]
    ids = [title.lower().replace(" ", "-") for title, _ in sections]
    return _fill(
        "page.html",
        title=TITLE,
        style=(FILES / "page.css").read_text(),
        script=(FILES / "plots.js").read_text() + (FILES / "page.js").read_text(),
        data=as_json(page_data(report.study)),
        contents="".join(f'<a href="#{id}">{title}</a>' for id, (title, _) in zip(ids, sections, strict=True)),
        sections="\n".join(
            f'<section id="{id}" aria-labelledby="{id}-head"><h2 id="{id}-head">{title}</h2>\n{body}\n</section>'
            for id, (title, body) in zip(ids, sections, strict=True)
        ),
    )


def _sections(report: Report, player: str | None) -> list[tuple[str, str]]:
    study = report.study
    about_runs = [
        ("Choose", _chooser(study)),
        ("Plots", _plots(study)),
        ("Configurations", _cells(study)),
    ]
    tables = {title: "".join(map(as_html, sheets)) for title, sheets in report.sections.items()}
    return [
        ("Summary", _summary(report)),
        ("Player", "" if player is None else PLAYER.format(page=player)),
        *(about_runs if any(run.scored for run in study.runs) else about_runs[-1:] if study.runs else []),
        *{**tables, "Claims": _claims(report.verdicts)}.items(),
        ("Figures", _figures(report)),
        ("Pictures", "".join(_pictures(run) for run in study.runs)),
        ("Environment and commands", "".join(_environment(run) for run in study.runs)),
    ]


def _summary(report: Report) -> str:
    caution = warning(report.study)
    items = "".join(f"<li>{escape(line)}</li>" for line in summary(report))
    return (f'<p class="warning">{escape(caution)}</p>' if caution else "") + f"<ul>{items}</ul>"


def _chooser(study: Study) -> str:
    names = cost_names(study)
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return _fill("chooser.html", runs=_scored(study), costs=_options(names), cost_heads=heads)


def _plots(study: Study) -> str:
    return _fill("plots.html", runs=_scored(study), costs=_options(cost_names(study)))


def _scored(study: Study) -> str:
    """Runs with an accuracy, the one with most configurations first."""
    runs = sorted(study.runs, key=lambda run: -len(run.cells))
    return _options(run.name for run in runs if run.scored)


def _cells(study: Study) -> str:
    cells = [cell for run in study.runs for cell in run.cells]
    columns = [column for column in (*MAIN, *FURTHER) if any(is_there(cell, column.field) for cell in cells)]
    names = ["Method", "Backbone", "Interval", "Run", *(c.header for c in columns), "ms a frame", "Weights", "Status"]
    heads = (
        f'<th scope="col"{TEXT if name in TEXTS else ""}><button type="button">{escape(name)}</button></th>'
        for name in names
    )
    return _fill(
        "cells.html",
        runs=_options(run.name for run in study.runs),
        backbones=_options(dict.fromkeys(cell["backbone"] for cell in cells)),
        methods=_options(dict.fromkeys(cell["method"] for cell in cells)),
        heads="".join(heads),
        rows="\n".join(_cell_row(cell, columns) for cell in cells),
    )


def _cell_row(cell: Row, columns: Sequence[Column]) -> str:
    tags = "".join(f' data-{name}="{escape(cell[name])}"' for name in ("run", "backbone", "method"))
    note = ' <span class="note">untrained</span>' if is_untrained(cell) else ""
    method, backbone, run = (escape(cell[name]) for name in ("method", "backbone", "run"))
    parts = [
        f'<th scope="row" data-value="{method}">{method}{note}</th>',
        _td(backbone, backbone, TEXT),
        _td(str(cell["interval"]), str(cell["interval"])),
        _td(run, run, TEXT),
    ]
    for column in columns:
        if is_there(cell, column.field):
            value = float(cell[column.field]) * column.factor
            parts.append(_td(f"{value:.10g}", value_text(cell, column)))
        else:
            parts.append(_td("", "-"))
    time = page_costs(cell).get("ms a frame")
    parts.append(_td("", "-") if time is None else _td(f"{time:.10g}", f"{time:.2f}"))
    weights = escape(str(cell["weights"])) if is_there(cell, "weights") else "-"
    status = "ok" if cell["status"] == "ok" else escape(f"failed: {cell['error']}")
    return f"<tr{tags}>{''.join(parts)}{_td(weights, weights, TEXT)}{_td(status, status, TEXT)}</tr>"


def _td(value: str, text: str, kind: str = "") -> str:
    return f'<td{kind} data-value="{value}">{text}</td>'


def _claims(verdicts: Sequence[Verdict]) -> str:
    """Each claim with its cases under it; those of which nothing could be measured are closed."""
    parts = []
    for claim, group in groupby(verdicts, key=lambda verdict: verdict.claim):
        cases = list(group)
        tally = Counter(verdict.verdict for verdict in cases)
        badges = "".join(f' <span class="{_class(name)}">{count} {name}</span>' for name, count in tally.items())
        rows = "".join(
            f'<tr><th scope="row">{escape(v.case) or "-"}</th><td>{escape(v.expected)}</td>'
            f"<td>{escape(v.measured).replace('; ', ';<br>')}</td>"
            f'<td class="text {_class(v.verdict)}">{v.verdict}</td><td class="text long">{escape(v.why)}</td></tr>'
            for v in cases
        )
        parts.append(
            f"<details{'' if set(tally) == {NOT_MEASURABLE} else ' open'}>"
            f"<summary>{escape(claim.quantity)}{badges}</summary>"
            f"<blockquote><q>{escape(claim.sentence)}</q> <cite>{escape(claim.where)}</cite></blockquote>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(claim.quantity)}"><table>'
            '<thead><tr><th scope="col">Case</th><th scope="col">Paper</th><th scope="col">Here</th>'
            f'<th scope="col" class="text">Verdict</th><th scope="col" class="text">Why</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></details>\n"
        )
    return "".join(parts) + (f"<p>{escape(CLAIMS_NOTE)}</p>" if parts else "")


def _class(verdict: str) -> str:
    return f"verdict-{verdict.replace(' ', '-')}"


def _figures(report: Report) -> str:
    return "".join(
        _figure(plot.title, f"image/svg+xml,{quote(plot.svg, safe=IN_A_DATA_URL)}", drawn=True, wide=plot.wide)
        for plot in report.plots
    )


def _pictures(run: StudyRun) -> str:
    return "".join(
        _figure(picture_title(run, file), f"image/png;base64,{base64.b64encode(read_bytes(file)).decode()}")
        for file in run.pictures
    )


def _figure(title: str, data: str, *, drawn: bool = False, wide: bool = True) -> str:
    """A picture under its title; a wide one is scrolled on a narrow page, and a drawn one dark on a dark page."""
    kinds = "picture" + " drawn" * drawn + " wide" * wide
    return (
        f'<figure class="{kinds}"><figcaption>{escape(title)}</figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<img alt="{escape(title)}" src="data:{data}"></div></figure>\n'
    )


def _environment(run: StudyRun) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in setting_lines(run.about))
    commands = "\n".join(dict.fromkeys(start.command for start in run.about.starts))
    return f"<h3>{escape(run.name)}</h3><ul>{items}</ul><pre>{escape(commands)}</pre>"


def _options(names: Iterable[str]) -> str:
    return "".join(f"<option>{escape(name)}</option>" for name in names)


def _fill(file: str, **values: str) -> str:
    return Template((FILES / file).read_text()).substitute(values)
