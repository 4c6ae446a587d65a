"""Write runs in the forms of other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report.export.figures import cells_of
from bench.report.export.hub import cards
from bench.report.export.rrd import write_recordings
from bench.report.export.sinks import SINKS, write_sink
from bench.report.player.player import data_of_runs
from bench.report.study import read_study
from bench.runs.files import make_folder, write_text
from mpvss.errors import UserError

EXPORTS = ("hub", "rrd")


def export(
    runs: Sequence[Path | str],
    out: Path | str,
    *,
    exports: Sequence[str] = (),
    sinks: Sequence[str] = (),
    source: str | None = None,
    data: str | None = None,
    labels: str | None = None,
    classes: int | None = None,
    play: int = 3,
) -> list[Path]:
    """Write the figures of runs for other programs into `out`; the files and folders written.

    Args:
        runs: as `bench.report.report`.
        out: made where it is missing.
        exports: some of `EXPORTS`. hub: `hub/`, a model card for each backbone and method, and a table. rrd: `rrd/`,
            recordings of the clips that the player shows.
        sinks: some of `SINKS`, each in a folder of its name.
        source: address of a page with the results, which the model cards name.
        data: as `bench.report.report`; so are `labels`, `classes` and `play`.
        labels: the classes' file of `data`.
        classes: their number.
        play: how many clips of a run have a recording.

    Raises:
        UserError: a name that is not known; a package is missing; there is nothing to write; as `read_study`.

    """
    for what, names, known in (("export", exports, EXPORTS), ("sink", sinks, SINKS)):
        for name in names:
            if name not in known:
                raise UserError(f"unknown {what} {name!r}; known are {', '.join(known)}")
    out = Path(out)
    study = read_study([Path(run) for run in runs])
    cells = list(cells_of(study))
    files = []
    if "hub" in exports:
        make_folder(out / "hub")
        for name, text in cards(cells, source).items():
            write_text(out / "hub" / name, text)
            files.append(out / "hub" / name)
    if "rrd" in exports:
        files += write_recordings(study, data_of_runs(study, data, labels, classes), play, out / "rrd")
    return files + [write_sink(name, cells, out) for name in sinks]
