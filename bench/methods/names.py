"""Backbones as they are named on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from bench.methods.registry import BACKBONES, LIBRARY, check_backbone, method_of
from mpvss.errors import UserError


def backbone_names(names: Sequence[str], rows: Sequence[str]) -> tuple[str, ...]:
    """The names, as they are, of backbones that have every row (METHOD or METHOD@LABEL).

    Raises:
        UserError: a name that is not known; a model of the `transformers` library with a method it has not.
    """
    for name in names:
        if name not in BACKBONES and not name.startswith(LIBRARY):
            known = ", ".join(BACKBONES)
            raise UserError(f"unknown backbone {name!r}; known are {known}, and {LIBRARY}PATH of a transformers model")
        for row in rows:
            check_backbone(name, method_of(row))
    return tuple(names)
