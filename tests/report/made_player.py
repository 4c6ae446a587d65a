"""A run of stand-in methods that kept its label maps, on rendered clips whose flow is known."""

from __future__ import annotations

from pathlib import Path

from fake_sweep import sweep

from bench.data import open_dataset

DATA = "synthetic:clips=3,frames=7,size=64x96"
METHODS = ("per-frame", "wander")


def played(path: Path, **options) -> Path:
    """Per-frame, and `wander` at intervals 1 and 3."""
    assert sweep(path, METHODS, open_dataset(DATA), backbones=("small",), keep_labels=True, **options) == []
    return path
