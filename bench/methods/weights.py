"""The checkpoint of each row of a table. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.methods.names import BUILT_METHODS, GROUND_TRUTH_FLOW, has_method, method_of
from bench.methods.shipped import shipped_file, shipped_identity


@dataclass(frozen=True)
class Weights:
    """The checkpoints of rows.

    Keys are `BACKBONE/METHOD[@LABEL]`, or `BACKBONE` for its other rows. With `shipped`, what these leave gets the
    weights that come with the project; `rivals` says that backbones of rivals are among them.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    shipped: bool = False
    rivals: bool = False

    def file(self, method: str, backbone: str) -> Path | None:
        """The checkpoint of a row, or None for untrained weights; UserError where none is shipped and one should."""
        file = self.files.get(f"{backbone}/{method}", self.files.get(backbone))
        if file is None and self.shipped and method_of(method) in (*BUILT_METHODS, GROUND_TRUTH_FLOW):
            return shipped_file(method, backbone)
        return file

    def pairs(self, methods: Sequence[str], backbones: Sequence[str]) -> list[tuple[str, str]]:
        """The methods and backbones that go together and get a checkpoint."""
        return [
            (method, backbone)
            for backbone in backbones
            for method in methods
            if has_method(backbone, method) and self.file(method, backbone)
        ]

    def identity(self) -> dict[str, str]:
        """The keys with the start of each file's SHA-256: what makes two sets of weights the same."""
        identity = {key: _digest(path) for key, path in sorted(self.files.items())}
        if self.shipped:
            identity["shipped"] = shipped_identity()
            if self.rivals:
                identity["shipped-rivals"] = shipped_identity(rivals=True)
        return identity


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
