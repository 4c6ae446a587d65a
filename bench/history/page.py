"""The page of a history: one HTML file without a script, which works from disk and offline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from bench.history.lines import Line, Step
from bench.history.plot import draw, number, said

TEMPLATE = Path(__file__).with_name("page.html")
FIRST_STEPS = 20
"""Steps that are shown at once; the others are folded."""


def make_page(commits: Sequence[str], lines: Sequence[Line], steps: Sequence[Step]) -> str:
    """The page: the steps, the newest first; every line that has one, and all times; what never changed, in a table."""
    drawn = [line for line in lines if line.steps or line.is_time]
    still = [line for line in lines if not (line.steps or line.is_time)]
    return Template(TEMPLATE.read_text()).substitute(
        said=escape(_said(commits, lines, steps)),
        steps=_steps(steps),
        plots=_plots(drawn, commits),
        still=_still(still),
        still_count=len(still),
    )


def _said(commits: Sequence[str], lines: Sequence[Line], steps: Sequence[Step]) -> str:
    times = sum(line.is_time for line in lines)
    ends = commits[0] if len(commits) == 1 else f"{commits[0]} to {commits[-1]}"
    return (
        f"{_many(len(commits), 'commit')}, {ends}. {_many(len(lines) - times, 'counter')} and "
        f"{_many(times, 'median time')}, {_many(len(steps), 'step')}."
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _steps(steps: Sequence[Step]) -> str:
    if not steps:
        return "<p>No value has changed.</p>"
    shown, folded = steps[:FIRST_STEPS], steps[FIRST_STEPS:]
    rest = f"<details><summary>{len(folded)} older</summary>{_step_table(folded)}</details>" if folded else ""
    return _step_table(shown) + rest


def _step_table(steps: Iterable[Step]) -> str:
    names = ("Commit", "Date", "What", "Of", "From", "To", "Change", "Verdict", "Also changed")
    rows = []
    for step in steps:
        date = (step.first.committed or step.first.measured)[:10]
        texts = [date, step.key.quantity, step.key.name, number(step.before), number(step.after), step.change]
        cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
        title = escape(f"after {step.last.commit}, up to {step.first.commit}")
        also = escape("; ".join(step.conditions)) or "-"
        rows.append(
            f'<tr><th scope="row" title="{title}"><code>{escape(step.first.commit)}</code></th>{cells}'
            f'<td class="{step.verdict.lower()}">{step.verdict}</td><td>{also}</td>'
            "</tr>"
        )
    return _table("Steps", names, rows)


def _plots(lines: Sequence[Line], commits: Sequence[str]) -> str:
    parts = []
    ordered = sorted(lines, key=_section)
    for (setting, machine), group in groupby(ordered, key=_section):
        parts.append(f"<h3>{escape(setting)}{f'<br>{escape(machine)}' if machine else ''}</h3><div class=plots>")
        parts += [
            f"<figure><figcaption>{escape(line.key.quantity)}<br><b>{escape(line.key.name)}</b></figcaption>"
            f"{draw(line, commits)}</figure>"
            for line in group
        ]
        parts.append("</div>")
    return "".join(parts) or "<p>Nothing to draw: no value has changed, and no time was kept.</p>"


def _section(line: Line) -> tuple[str, str]:
    return line.key.setting, line.key.machine or ""


def _still(lines: Sequence[Line]) -> str:
    rows = [
        f'<tr><th scope="row">{escape(line.key.name)}</th><td>{escape(line.key.quantity)}</td>'
        f"<td>{number(line.places[-1].figure.value)}</td><td>{len(line.places)}</td>"
        f"<td>{escape(said(line.places[0]).partition(':')[0])}</td><td>{escape(line.key.setting)}</td></tr>"
        for line in lines
    ]
    return _table("Counters that have not changed", ("Of", "What", "Value", "Commits", "Since", "Setting"), rows)


def _table(name: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
