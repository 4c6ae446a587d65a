"""A history's folder: `points/`, a file a point; `history.json` and `index.html`, made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.history.lines import Line, Step, commit_order, make_lines
from bench.history.page import make_page
from bench.history.points import identity, points_of
from bench.runs.files import file_name, make_folder, write_json, write_text
from bench.runs.lease import sole_writer
from bench.runs.record_file import read_record, write_record
from bench.runs.records.history import PointRecord
from mpvss.errors import UserError

POINTS, VALUES, PAGE = "points", "history.json", "index.html"


@dataclass(frozen=True)
class History:
    """What a folder holds: its commits in their order, its lines, and what was written."""

    commits: tuple[str, ...]
    lines: tuple[Line, ...]
    files: tuple[Path, ...]

    @property
    def steps(self) -> list[Step]:
        """All steps, the newest first."""
        order = {commit: index for index, commit in enumerate(self.commits)}
        steps = [step for line in self.lines for step in line.steps]
        return sorted(steps, key=lambda step: -order[step.first.commit])


def history(folder: Path | str, runs: Sequence[Path | str] = (), *, commit: str | None = None) -> History:
    """Add runs to a history's folder, and draw it anew.

    Args:
        folder: made where it is missing.
        runs: folders of runs, and files that `mpvss-bench gate --out` or `--update` wrote. A point of the same commit,
            setting and machine is replaced by one that was measured later.
        commit: what the files of the gate were measured at; None: the commit of the project's checkout.

    Raises:
        UserError: a run is none, has nothing to keep, or was measured with changes that are in no commit; the folder
            holds nothing, or a damaged point; another process writes in it.
    """
    folder = Path(folder)
    points = [point for run in runs for point in points_of(Path(run), commit)]
    if not points and not any((folder / POINTS).glob("*.json")):
        raise UserError(f"{folder} holds no history yet; name a run, or a file of `mpvss-bench gate --out`")
    make_folder(folder / POINTS)
    with sole_writer(folder, folder / POINTS):
        for point in points:
            _keep(folder, point)
        kept = [read_record(file, PointRecord) for file in sorted((folder / POINTS).glob("*.json"))]
        lines = make_lines(kept)
        found = History(tuple(commit_order(kept)), tuple(lines), (folder / VALUES, folder / PAGE))
        write_json(folder / VALUES, _values(found))
        write_text(folder / PAGE, make_page(found.commits, lines, found.steps))
    return found


def _keep(folder: Path, point: PointRecord) -> None:
    digest = hashlib.sha256(identity(point)).hexdigest()[:12]
    file = folder / POINTS / f"{file_name(point.commit)}-{digest}.json"
    if not file.exists() or read_record(file, PointRecord).measured <= point.measured:
        write_record(file, point)


def _values(found: History) -> dict[str, Any]:
    """What the page draws, for other programs."""
    return {
        "commits": list(found.commits),
        "lines": [
            {
                **line.key._asdict(),
                "commits": [place.point.commit for place in line.places],
                "values": [place.figure.value for place in line.places],
                "low": [place.figure.low for place in line.places] if line.is_time else None,
                "high": [place.figure.high for place in line.places] if line.is_time else None,
                "steps": [
                    {
                        "commit": step.first.commit,
                        "after": step.last.commit,
                        "from": step.before,
                        "to": step.after,
                        "verdict": step.verdict,
                        "conditions": list(step.conditions),
                    }
                    for step in line.steps
                ],
            }
            for line in found.lines
        ],
    }
