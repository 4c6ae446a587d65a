"""What the README shows is what works."""

import re
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_example_runs():
    first = blocks("python")[0]
    scope: dict[str, object] = {}
    exec(compile(first, "README.md", "exec"), scope)
    labels = scope["labels"]
    assert isinstance(labels, torch.Tensor)
    assert labels.shape == (192, 320)
    assert int(labels.max()) < 19


def test_continuous_integration_runs_the_test_command():
    command = next(line for line in blocks("sh")[1].splitlines() if line)
    assert command.endswith("tox run")
    assert command in (ROOT / ".ci" / "run").read_text()


def test_every_file_it_names_is_there():
    named = set(re.findall(r"`((?:results|mpvss|tests|bench)/[\w./-]+\.(?:json|csv|py))`", README))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
