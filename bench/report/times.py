"""What a latency run writes to be read: its tables, and the curve of several frame sizes."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from bench.plotting import save, styled
from bench.report.figures.sizes import times_against_size
from bench.report.rows import is_there
from bench.report.run import StudyRun
from bench.report.sizes import runs_by_size, size_of, without_size
from bench.report.study import read_study
from bench.report.summary import setting_lines
from bench.report.tables.formats import as_csv, as_markdown
from bench.report.tables.latency import latency_sheet, speed_sheet
from bench.report.tables.sizes import sizes_sheet
from bench.runs.files import write_text
from bench.runs.records.run import RunRecord

TEXT, CURVE = "latency.md", "sizes"


def write_times(folder: Path) -> str:
    """Write `latency.md` into a run's folder; its text.

    Raises:
        UserError: the folder is no run, or has no cell yet.
    """
    (run,) = read_study([folder], all_times=True).runs
    text = "\n\n".join([_settings(run.about), *_caution(run), _tables(run)])
    write_text(folder / TEXT, text)
    return text


def write_curve(folder: Path) -> str:
    """Write how times grow with the frame size: `latency.md`, `sizes.csv`, `sizes.png` and `sizes.svg`; the text.

    Nothing but the text, which says so, where fewer than two sizes were timed.

    Args:
        folder: of runs that differ in their frame size alone.

    Raises:
        UserError: the folder holds no runs, or one without a cell.
    """
    runs = read_study([folder], all_times=True).runs
    parts = []
    for group in runs_by_size(runs):
        parts.append(_settings(replace(group[0].about, configuration=without_size(group[0].about.configuration))))
        parts += [caution for run in group for caution in _caution(run)]
        sheet = sizes_sheet(group)
        parts.append(as_markdown(sheet))
        write_text(folder / f"{CURVE}.csv", as_csv(sheet))
        with styled():
            save(times_against_size(group), folder / CURVE, ("png", "svg"))
        parts.append(f"![Times against the frame size]({CURVE}.png)\n")
        parts.append("\n".join(f"- [All times at {size_of(run)}]({run.name}/{TEXT})" for run in group))
    text = "\n\n".join(part.strip() for part in parts or ["Fewer than two sizes were timed."]) + "\n"
    write_text(folder / TEXT, text)
    return text


def _settings(about: RunRecord) -> str:
    return "\n".join(f"- {line}" for line in setting_lines(about))


def _caution(run: StudyRun) -> list[str]:
    """Why these times are no measurement."""
    reasons = ", ".join(dict.fromkeys(run.doubts.values()))
    return [f"**No measurement: {reasons}.** A report does not show these times."] if reasons else []


def _tables(run: StudyRun) -> str:
    good = [cell for cell in run.cells if cell["status"] == "ok" and is_there(cell, "stopped")]
    if not good:
        return f"{run.name}: nothing was timed; every cell failed.\n"
    sheets = [latency_sheet(run.latency, run.name, run.about.configuration.frame_rate), speed_sheet(good, run.name)]
    return "\n\n".join(as_markdown(sheet).strip() for sheet in sheets) + "\n"
