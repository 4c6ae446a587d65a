"""A run of stand-in methods that kept its label maps, on rendered clips whose flow is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from fake_sweep import sweep

from bench.data import open_dataset

DATA = "synthetic:clips=3,frames=7,size=64x96"
METHODS = ("per-frame", "wander")


def played(path: Path, **options) -> Path:
    """Per-frame, and `wander` at intervals 1 and 3."""
    assert sweep(path, METHODS, open_dataset(DATA), backbones=("small",), keep_labels=True, **options) == []
    return path


def timed_beside(run: Path) -> Path:
    """A run that only timed the same artifacts: it has the times of the sweep, as if they had settled."""
    speed = run.parent / "speed"
    shutil.copytree(run / "cells", speed / "cells")
    about = json.loads((run / "run.json").read_text())
    about["configuration"]["stopping"] = "when it is precise"
    (speed / "run.json").write_text(json.dumps(about))
    for file in (speed / "cells").iterdir():
        record = json.loads(file.read_text()) | {"accuracy": None, "clips": None}
        record["timing"]["warmup_stable"] = True
        file.write_text(json.dumps(record))
    return speed
