"""Two versions of the code, measured in turn and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.ab.environments import Environments, interpreter_for
from bench.ab.in_turn import PAIRS, ROUNDS, Side, measure_in_turn
from bench.ab.worktrees import checked_out
from bench.compare.comparison import Comparison
from bench.compare.runs import compare
from bench.runs.files import make_folder
from bench.runs.progress import Progress
from bench.sweep.messages import Request
from mpvss.errors import UserError


def compare_versions(
    base: str,
    new: str,
    request: Request,
    *,
    intervals: Sequence[int] = (1, 5),
    pairs: int = PAIRS,
    rounds: int = ROUNDS,
    environment: Environments = "auto",
    floor: float = 0.05,
    alpha: float = 0.01,
    counts_only: bool = False,
    times_only: bool = False,
    out: Path | None = None,
    repository: Path | None = None,
    command: str = "bench.ab.compare_versions",
    progress: Progress | None = None,
) -> Comparison:
    """Time two versions of the code in turn, in one sitting, and judge the second.

    Args:
        base: a git revision, or a folder that holds this project, such as `.`.
        new: as `base`.
        request: what is timed.
        intervals: key-frame intervals; above 1 there are non-key frames.
        pairs: pairs of processes; each gives one observation.
        rounds: passes over the clip in each process.
        environment: what the versions run in; see `bench.ab.environments`.
        floor: relative change of a time that counts.
        alpha: chance of any false alarm.
        counts_only: whether times are left out of the judgement.
        times_only: whether counts and memory are.
        out: folder that both runs are kept in, as `base` and `new`; None: they are not kept.
        repository: a folder in the repository of the revisions; None: the present one.
        command: what the runs' files name as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input; `out` holds something.
        NotMeasurableError: a version cannot be installed or run.
        NotComparableError: the versions differ in what is measured.
    """
    progress = progress or Progress()
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(out))
        sides = []
        for name, version in (("base", base), ("new", new)):
            root = stack.enter_context(checked_out(version, repository or Path.cwd()))
            interpreter = interpreter_for(root, environment, progress.say)
            sides.append(Side(version, root, interpreter, folder / name))
        measure_in_turn(
            (sides[0], sides[1]),
            request,
            intervals=intervals,
            pairs=pairs,
            rounds=rounds,
            command=command,
            progress=progress,
        )
        found = compare(
            sides[0].out, sides[1].out, floor=floor, alpha=alpha, counts_only=counts_only, times_only=times_only
        )
        return replace(found, title=f"{new} against {base}, {pairs} pairs of processes")


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder of the runs: `out`, or one that is removed when the block ends."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="mpvss-bench-") as folder:
            yield Path(folder)
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} holds something; two versions are timed in one sitting, so give a new folder")
    make_folder(out)
    yield out
