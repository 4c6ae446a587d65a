"""The first screen: the answer, its picture, and accuracy against cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.report.choice import COUNTED, DataSet, Option, choose, runner_up
from bench.report.page.fill import fill, options
from bench.report.page.media import picture
from bench.report.run import Bounded, StudyRun

Picture = tuple[StudyRun, Path]


def first_screen(sets: Sequence[DataSet], shown: Picture | None, found: str) -> str:
    """The chooser with its first answer, for those who read without a program too, and what was found."""
    with_costs = [data for data in sets if data.costs]
    if not with_costs:
        return found
    data = with_costs[0]
    return fill(
        "first",
        floor=f"{data.floor:g}",
        costs=options(data.costs),
        sets=options(one.name for one in with_costs),
        answer=_answer(choose(data.options, data.floor, data.costs[0]), data.costs[0]),
        picture=picture(*shown) if shown else "",
        tools=fill("tools", plot="plot-cost"),
        found=found,
    )


def strip_of(data: DataSet) -> Picture | None:
    """The first picture of a run on the data set: frames, ground truth and predictions where there are such."""
    pictures = [(run, file) for run in data.runs for file in run.pictures]
    strips = [(run, file) for run, file in pictures if file.stem.startswith("strip-")]
    return next(iter(strips or pictures), None)


def _answer(chosen: Sequence[Option], cost: str) -> str:
    if not chosen:
        return '<p class="chosen">None qualifies.</p>'
    best, runner = chosen[0], runner_up(chosen)
    facts = [("% mIoU", _bounded(best)), *([("points from per-frame", _less(best.less))] if best.less else [])]
    names = [cost, *(name for name in best.costs if name != cost and not name.startswith("ms a key"))]
    facts += [(f"{name} ({_how_known(name)})", f"{best.costs[name]:.4g}") for name in names if name in best.costs]
    parts = [
        f'<p class="chosen">{escape(best.name)}</p>',
        "<dl>" + "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in facts) + "</dl>",
    ]
    if runner is not None:
        text = f"Runner-up: {runner.name}, {runner.miou:.2f} % mIoU, {runner.costs[cost]:.4g} {cost}."
        parts.append(f'<p class="runner">{escape(text)}</p>')
    parts.append(f'<p class="count">{len(chosen)} qualify. <a href="#which-configuration">All of them</a></p>')
    return "".join(parts)


def _how_known(cost: str) -> str:
    return "counted" if cost == COUNTED else "measured"


def _bounded(option: Option) -> str:
    cell = option.cell
    low, high = cell.get("miou_low"), cell.get("miou_high")
    bounds = f" [{100 * low:.2f}, {100 * high:.2f}]" if low is not None and low == low and high is not None else ""
    return f"{option.miou:.2f}{bounds}"


def _less(less: Bounded) -> str:
    value, low, high = less
    return f"{value:+.1f}" + (f" [{low:+.1f}, {high:+.1f}]" if low < high else "")
