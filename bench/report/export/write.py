"""Write runs in the forms of other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.report.export.figures import cells_of
from bench.report.export.hub import cards
from bench.report.export.sinks import SINKS, write_sink
from bench.report.study import read_study
from bench.runs.files import make_folder, write_text
from mpvss.errors import UserError

EXPORTS = ("hub",)


def export(
    runs: Sequence[Path | str],
    out: Path | str,
    *,
    exports: Sequence[str] = (),
    sinks: Sequence[str] = (),
    source: str | None = None,
) -> list[Path]:
    """Write the figures of runs for other programs into `out`; the files and folders written.

    Args:
        runs: as `bench.report.report`.
        out: made where it is missing.
        exports: some of `EXPORTS`. hub: `hub/`, a model card for each backbone and method, and a table.
        sinks: some of `SINKS`, each in a folder of its name.
        source: address of a page with the results, which the model cards name.

    Raises:
        UserError: a name that is not known; a package is missing; there is nothing to write; as `read_study`.

    """
    for what, names, known in (("export", exports, EXPORTS), ("sink", sinks, SINKS)):
        for name in names:
            if name not in known:
                raise UserError(f"unknown {what} {name!r}; known are {', '.join(known)}")
    out = Path(out)
    cells = list(cells_of(read_study([Path(run) for run in runs])))
    files = []
    if "hub" in exports:
        make_folder(out / "hub")
        for name, text in cards(cells, source).items():
            write_text(out / "hub" / name, text)
            files.append(out / "hub" / name)
    return files + [write_sink(name, cells, out) for name in sinks]
