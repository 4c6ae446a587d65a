"""The checkpoint of each row of a table. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.methods.names import BUILT_METHODS, GROUND_TRUTH_FLOW, flow_network, has_method, method_of
from bench.methods.shipped import shipped_file, shipped_flow, shipped_identity
from mpvss.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights that results call by another name than the file's, such as one in the hub's cache."""

    path: Path
    name: str
    """As results state it: the repository and its commit."""
    num_classes: int
    """As the model's configuration says it."""

    def __fspath__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class Weights:
    """The checkpoints of rows.

    Keys of `files` are `BACKBONE/METHOD[@LABEL]`, or `BACKBONE` for its other rows; those of `flows` are names of flow
    networks, for every row that has one. With `shipped`, what these leave gets the weights that come with the project.
    `rivals` says that backbones of rivals are among them.
    """

    files: Mapping[str, Path | Checkpoint] = field(default_factory=dict)
    shipped: bool = False
    flows: Mapping[str, Path] = field(default_factory=dict)
    rivals: bool = False

    def file(self, method: str, backbone: str) -> Path | Checkpoint | None:
        """The checkpoint of a row, or None for untrained weights; UserError where none is shipped and one should."""
        file = self.files.get(f"{backbone}/{method}", self.files.get(backbone))
        if file is None and self.shipped and method_of(method) in (*BUILT_METHODS, GROUND_TRUTH_FLOW):
            return shipped_file(method, backbone)
        return file

    def flow_file(self, method: str, backbone: str) -> Path | None:
        """The checkpoint of a row's flow network, where it comes apart from the row's other weights; else None."""
        network = flow_network(method_of(method), backbone)
        if network is not None and network in self.flows:
            return self.flows[network]
        # Other files than the shipped ones hold their flow network, but for those of image networks.
        given = f"{backbone}/{method}" in self.files or backbone in self.files
        own = given and method_of(method) != "optical-flow"
        return shipped_flow(method, backbone) if self.shipped and not own else None

    def check_classes(self, num_classes: int) -> None:
        """Raise UserError where a checkpoint says of itself that it has another number of classes."""
        for file in self.files.values():
            if isinstance(file, Checkpoint) and file.num_classes != num_classes:
                raise UserError(f"{file.name} has {file.num_classes} classes and the data {num_classes}")

    def pairs(self, methods: Sequence[str], backbones: Sequence[str]) -> list[tuple[str, str]]:
        """The methods and backbones that go together and get a checkpoint."""
        return [
            (method, backbone)
            for backbone in backbones
            for method in methods
            if has_method(backbone, method) and (self.file(method, backbone) or self.flow_file(method, backbone))
        ]

    def identity(self) -> dict[str, str]:
        """The keys with the start of each file's SHA-256: what makes two sets of weights the same."""
        identity = {key: _digest(path) for key, path in sorted({**self.files, **self.flows}.items())}
        if self.shipped:
            identity["shipped"] = shipped_identity()
            if self.rivals:
                identity["shipped-rivals"] = shipped_identity(rivals=True)
        return identity


def _digest(path: Path | Checkpoint) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
