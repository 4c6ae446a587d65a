"""What each version runs in: the present environment where its dependencies are the same, else one of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import bench
from bench.ab.errors import NotMeasurableError
from bench.runs.files import make_folder, write_text
from bench.sweep.worker_process import Interpreter
from mpvss.errors import UserError

Environments = Literal["auto", "present", "own"]
"""`auto`: the present one for a version with the dependencies of this code, else its own; the others: always."""
PRESENT = Path(bench.__file__).resolve().parents[1]
"""The folder of this code: a checkout, or the site-packages that it is installed in."""


def interpreter_for(root: Path, which: Environments, say: Callable[[str], object]) -> Interpreter:
    """What runs the version in a folder. Where that needs an environment that is not there yet, it is made.

    Args:
        root: the folder of the version.
        which: which environment is used.
        say: told which one it is, and why.

    Raises:
        UserError: `which` is not known.
        NotMeasurableError: the environment cannot be made.
    """
    if which not in get_args(Environments):
        raise UserError(f"environment is {which!r}; it must be one of {', '.join(get_args(Environments))}")
    own = which == "own" or (which == "auto" and not _needs_the_same(root))
    # What a user has put on the path, such as methods of their own, stays there.
    path = [str(root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    if not own:
        why = "as asked" if which == "present" else "its dependencies are those of this code"
        say(f"{root} runs in the present environment: {why}")
        return Interpreter(sys.executable, path)
    python = _own_environment(root, say)
    say(f"{root} runs in {python.parents[1]}")
    return Interpreter(str(python), path)


def _needs_the_same(root: Path) -> bool:
    """Whether a version has the dependencies of this code; an installed package does not say what it was pinned to."""
    return (PRESENT / "pyproject.toml").is_file() and dependencies(root) == dependencies(PRESENT)


def dependencies(root: Path) -> tuple[list[str], str]:
    """What a version needs to run: the requirements of its pyproject.toml, and its constraints.

    Raises:
        NotMeasurableError: its pyproject.toml cannot be read.
    """
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
        constraints = root / "constraints.txt"
        return sorted(project["dependencies"]), constraints.read_text() if constraints.is_file() else ""
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise NotMeasurableError(f"the dependencies of {root} cannot be read: {error}") from None


def _own_environment(root: Path, say: Callable[[str], object]) -> Path:
    """The Python of a virtual environment with the dependencies of a version; versions with the same ones share it."""
    requirements, constraints = dependencies(root)
    about = json.dumps([sys.version, requirements, constraints])
    folder = _cache() / hashlib.sha256(about.encode()).hexdigest()[:16]
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.is_file():
        return python
    say(f"making an environment with the dependencies of {root} in {folder}")
    make_folder(folder)
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        write_text(folder / "constraints.txt", constraints)
        _run([str(python), "-m", "pip", "install", "--quiet", "-c", str(folder / "constraints.txt"), *requirements])
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise NotMeasurableError(f"the dependencies of {root} cannot be installed: {said[-1]}") from None
    write_text(complete, "")
    return python


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mpvss-bench" / "environments"
