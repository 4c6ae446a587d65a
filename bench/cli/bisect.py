"""Exit statuses for `git bisect run`: good, bad, and revisions about which nothing can be said."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from bench.cli import status
from bench.compare import Comparison, NotComparableError
from mpvss.errors import UserError

HELP = (
    "exit status for `git bisect run`: 0 no regression, 1 regression, 125 (skip this revision) UNCLEAR or it cannot be "
    "measured, 128 (stop) bad input"
)


def bisect_status(judge: Callable[[], Comparison], show: Callable[[Comparison], object]) -> int:
    """Judge a revision, show what was found, and say it as `git bisect run` takes it.

    A regression is bad, whatever else is UNCLEAR. Bad input, which every revision would meet, ends the search.
    """
    try:
        comparison = judge()
    except NotComparableError as error:
        print(f"mpvss-bench: skip: {error}", file=sys.stderr)
        return status.SKIP
    except UserError as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return status.STOP
    except Exception:
        traceback.print_exc()
        return status.SKIP
    show(comparison)
    if comparison.is_regression:
        return status.FAILED
    return status.SKIP if comparison.is_unclear else status.DONE
