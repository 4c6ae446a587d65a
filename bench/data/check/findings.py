"""What was found of a data set, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Findings:
    """Lines about a data set, collected while it is looked at."""

    layout: str = ""
    """How the files should lie; printed where something is missing."""
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What measuring needs and is not there, or cannot be read."""
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def need_folder(self, folder: Path) -> bool:
        """Whether there is such a folder; noted as missing where not."""
        if not folder.is_dir():
            self.missing.append(f"folder {folder}")
        return folder.is_dir()

    def lack(self, what: str, items: Sequence[object], of: int) -> None:
        """Note that `items` are missing, with how many of how many and the first; nothing where there are none."""
        if items:
            self.missing.append(f"{len(items)} of {of} {what}; the first: {items[0]}")

    def compare(self, what: str, there: int, published: int) -> None:
        """Say how much of the published split is there; a part of it can be measured too."""
        if there < published:
            self.notes.append(f"the published split has {published} {what}, of which {there} are here")

    def text(self) -> str:
        """The lines, for people."""
        sections = (("found", self.found), ("missing", self.missing), ("note", self.notes))
        lines = [f"{name + ':':9}{line}" for name, texts in sections for line in texts]
        if self.missing and self.layout:
            lines.append(f"{'layout:':9}{self.layout}")
        return "\n".join(lines)
