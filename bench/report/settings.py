"""Where and how a run was measured, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def setting_lines(about: Mapping[str, Any]) -> list[str]:
    """Of a run's `run.json`: data, settings, machine, and date and commit of the last start."""
    configuration = about["configuration"]
    environment = about["starts"][-1]["environment"]
    limits = [
        f"the first {configuration[name]} {what}"
        for name, what in (("clips", "clips"), ("frames", "frames of each clip"))
        if configuration[name] is not None
    ]
    return [
        ", ".join([f"Data: {configuration['data']}", *limits]),
        f"{len(configuration['classes'])} classes, execution {configuration['execution']}, "
        f"seed {configuration['seed']}",
        f"{environment['device']} · {environment['cpu']} · {environment['threads']} threads · "
        f"torch {environment['libraries']['torch']} · Python {environment['python']} · {environment['os']}",
        f"{environment['date']}, commit {environment['commit'] or 'unknown'}",
    ]
