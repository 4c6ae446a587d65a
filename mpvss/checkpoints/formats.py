"""What `load_checkpoint` must know of a kind of network.

MPVSS's own formats are in `names`. Any other network brings its own, as the class attribute `checkpoint_format`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from torch import Tensor

Rules = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
"""Regular expressions and what takes the place of their matches, one after the other."""


@dataclass(frozen=True)
class Naming:
    """Another program's names for a network's tensors."""

    kind: str
    """Whose they are, as reports say it."""
    recognises: Callable[[Set[str]], bool]
    """Whether the names of a checkpoint are such names."""
    to_ours: Callable[[dict[str, Tensor]], dict[str, Tensor]]
    """A checkpoint's tensors under our names. What has no place keeps its name."""


@dataclass(frozen=True)
class ClassHead:
    """A layer with a row for each class."""

    tensors: re.Pattern[str]
    """Searched for in our names."""
    other_rows: int = 0
    """Rows that are no class, such as "no object"."""


def no_facts(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """Of networks whose variants differ in names and shapes that need no explanation."""
    return {}


@dataclass(frozen=True)
class CheckpointFormat:
    """The checkpoints of one kind of network."""

    namings: tuple[Naming, ...]
    class_heads: tuple[ClassHead, ...]
    unused: re.Pattern[str]
    """Matches names, under ours, of tensors that take no part in what the network computes."""
    facts: Callable[[Mapping[str, Tensor]], dict[str, object]] = no_facts
    """What tells variants apart, read off tensors under our names. A checkpoint of other facts is refused in words."""
    unread: str = ""
    """Which checkpoints are not read, for the messages of those that do not fit."""


NOTHING = re.compile(r"(?!)")
"""Matches no name."""


def only_ours(network: str, *class_heads: ClassHead) -> CheckpointFormat:
    """The format of a network whose published tensor names are not known."""
    unread = (
        f"the tensor names of the published {network} are not known here: rename its tensors as `state_dict()` of this "
        "module names them"
    )
    return CheckpointFormat(namings=(), class_heads=class_heads, unused=NOTHING, unread=unread)


def renamed(tensors: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """The tensors, every rule applied to every name."""
    found = {}
    for name, tensor in tensors.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        found[name] = tensor
    return found


def under_our_names(tensors: dict[str, Tensor], formats: Iterable[CheckpointFormat]) -> tuple[dict[str, Tensor], str]:
    """A checkpoint's tensors under our names, and whose names they had; "ours" where nobody else's are recognised."""
    for format in formats:
        for naming in format.namings:
            if naming.recognises(tensors.keys()):
                return naming.to_ours(tensors), naming.kind
    return tensors, "ours"
