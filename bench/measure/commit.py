"""The project's commits, as git tells them. Imports no torch."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRTY = "-dirty"


def project_commit() -> str | None:
    """The commit of the project's checkout, `-dirty` where files differ from it; None outside of one."""
    if not (ROOT / ".git").exists():
        return None
    return _git("describe", "--always", f"--dirty={DIRTY}", "--abbrev=12", "--exclude=*")


def commit_date(commit: str) -> str | None:
    """When a commit was made, in UTC, ISO 8601; None where the checkout does not have it."""
    if not (ROOT / ".git").exists():
        return None
    seconds = _git("show", "--no-patch", "--format=%ct", "--end-of-options", f"{commit}^{{commit}}")
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")


def _git(*command: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
