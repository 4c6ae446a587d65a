"""The page: one HTML file that holds all it needs, so that it works from disk and offline."""

from __future__ import annotations

from html import escape

from bench.report.choice import data_sets
from bench.report.contents import Plot, Report
from bench.report.found import found
from bench.report.page.cells import cells
from bench.report.page.claims import claims
from bench.report.page.data import as_json, page_data
from bench.report.page.fill import fill, fold, inner_fold, script, style
from bench.report.page.first import Picture, first_screen, strip_of
from bench.report.page.media import drawings, picture
from bench.report.run import StudyRun
from bench.report.summary import setting_lines, summary, warning
from bench.report.tables.formats import as_html

TITLE = "Efficient video semantic segmentation: what was measured"
PLAYER = '<p><a href="{page}">Watch clips of these runs frame by frame</a>: two methods beside each other.</p>'
SMALL = "Small-scale counterparts of the paper's tables"
WHERE = {
    "interval": ("differences", "figure-3a", "figure-3b", "figure-3c"),
    "time": ("times", "sizes", "predicted"),
    "which": ("accuracy-cost",),
}
"""The question that a plot answers, by what its name holds; the paper's own figures are under the paper's."""


def make_page(report: Report, player: str | None = None) -> str:
    """The page of a report; `player` is the path of a player of clips beside it."""
    sets = data_sets(report.study)
    shown = strip_of(sets[0]) if sets else None
    caution = warning(report.study)
    sentences = "".join(f"<li>{escape(line)}</li>" for line in found(report))
    said = f'<ul class="found">{sentences}</ul>'
    return fill(
        "page",
        title=TITLE,
        style=style(),
        script=script(),
        data=as_json(page_data([data for data in sets if data.costs])),
        caution=f'<p class="warning">{escape(caution)}</p>' if caution else "",
        first=first_screen(sets, shown, said),
        folds="".join(_folds(report, shown, player)),
    )


def _folds(report: Report, shown: Picture | None, player: str | None) -> list[str]:
    study = report.study
    chosen = fill("chosen") if any(data.costs for data in data_sets(study)) else ""
    return [
        fold("Which configuration?", (chosen + cells(study)) if study.runs else "", about=_counted(report)),
        fold("Look at clips", _clips(report, shown, player), about="frames, ground truth and predictions"),
        fold("How does it fall with the interval?", _over_intervals(report)),
        fold("Where does time go?", _time(report)),
        fold("Does the paper hold?", _paper(report), about=_tally(report)),
        fold("What exactly was run?", _runs(report)),
    ]


def _counted(report: Report) -> str:
    count = sum(len(run.cells) for run in report.study.runs)
    return f"{count} configurations in {len(report.study.runs)} runs"


def _tally(report: Report) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in report.tally().items())


def _clips(report: Report, shown: Picture | None, player: str | None) -> str:
    """The way to the player, and the runs' own pictures but for the one on the first screen."""
    pictures = [(run, file) for run in report.study.runs for file in run.pictures]
    way = "" if player is None else PLAYER.format(page=escape(player))
    return way + "".join(picture(*one) for one in pictures if one != shown)


def _over_intervals(report: Report) -> str:
    if not any(run.scored for run in report.study.runs):
        return ""
    plot = fill("interval", tools=fill("tools", plot="plot-interval"))
    return plot + _for_print(report, "interval")


def _time(report: Report) -> str:
    others = [plot for plot in report.plots if not any(part in plot.name for parts in WHERE.values() for part in parts)]
    measured = drawings([*(p for p in _of(report, "time") if "predicted" not in p.name), *others])
    predicted = drawings(plot for plot in _of(report, "time") if "predicted" in plot.name)
    beside = _sheets(report, "Predicted speed") + predicted
    return measured + _sheets(report, "Speed") + inner_fold("Predicted, beside measured and published", beside)


def _paper(report: Report) -> str:
    own = [plot for plot in report.plots if plot.name == "figure-3b"]
    small = inner_fold(SMALL, _sheets(report, SMALL))
    tables = inner_fold(
        "The paper's tables, beside what was counted and measured", _sheets(report, "Tables of the paper")
    )
    return claims(report.verdicts) + drawings(own) + small + tables + _sheets(report, "Claims", "Contradictions")


def _sheets(report: Report, *titles: str) -> str:
    """Sections of tables; claims have their own form."""
    sheets = [sheet for title in titles for sheet in report.sections[title] if sheet is not report.claims]
    return "".join(map(as_html, sheets))


def _of(report: Report, question: str) -> list[Plot]:
    return [p for p in report.plots if p.name != "figure-3b" and any(part in p.name for part in WHERE[question])]


def _for_print(report: Report, question: str) -> str:
    """The same as pictures, folded."""
    return inner_fold("Figures for print", drawings([*_of(report, question), *_of(report, "which")]))


def _runs(report: Report) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in summary(report))
    return f"<ul>{lines}</ul>" + "".join(_environment(run) for run in report.study.runs)


def _environment(run: StudyRun) -> str:
    notes = [line for line in (run.times_note, run.clips_note) if line]
    items = "".join(f"<li>{escape(line)}</li>" for line in [*setting_lines(run.about), *notes])
    commands = "\n".join(dict.fromkeys(start.command for start in run.about.starts))
    return f"<h3>{escape(run.name)}</h3><ul>{items}</ul><pre>{escape(commands)}</pre>"
