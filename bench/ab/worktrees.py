"""Versions of the code in folders: a working folder as it is, a git revision in a worktree of its own for a while."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mpvss.errors import UserError


@contextmanager
def checked_out(version: str, repository: Path) -> Iterator[Path]:
    """The folder of a version, while the block runs.

    Args:
        version: a folder that holds this project, such as `.`, which is used as it is; else a revision of the
            repository, which is checked out in a temporary worktree. The repository's own files are not touched.
        repository: a folder in the repository.

    Raises:
        UserError: it is neither a folder of this project nor a revision.
    """
    if is_project(Path(version)):
        yield Path(version).resolve()
        return
    commit = commit_of(version, repository)
    parent = Path(tempfile.mkdtemp(prefix="mpvss-bench-")).resolve()
    tree = parent / "tree"
    try:
        _git(repository, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        yield tree
    finally:
        shutil.rmtree(parent, ignore_errors=True)
        _git(repository, "worktree", "prune")


def is_project(folder: Path) -> bool:
    """Whether a folder holds the source of this project."""
    return (folder / "bench" / "__main__.py").is_file() and (folder / "pyproject.toml").is_file()


def commit_of(revision: str, repository: Path) -> str:
    """The commit of a revision.

    Raises:
        UserError: there is none, or the folder is in no repository.
    """
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        raise UserError(
            f"{revision!r} is neither a revision of the git repository in {repository} nor a folder that holds this "
            "project"
        ) from None


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    try:
        # Ctrl-C must not end the removal of a worktree half-way.
        return subprocess.run(
            command, check=True, capture_output=True, text=True, start_new_session=True
        ).stdout.strip()
    except FileNotFoundError:
        raise UserError("git is not installed; give folders instead of revisions") from None
