"""Names of methods, of their rows in tables, and of backbones. Imports no torch."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Sequence

from mpvss.errors import UserError
from mpvss.presets import BACKBONES as _BACKBONES
from mpvss.presets import FLOW_DESIGNS, backbone_row

UNTRAINED = "untrained"
"""Stands in results for weights that no checkpoint gave."""
PER_FRAME = "per-frame"
"""The method to which every frame is a key frame."""
GROUND_TRUTH_FLOW = "ground-truth-flow"
"""A ceiling, built as the methods are but given the ground-truth flow. Sweeps score it, and measure nothing else."""
METHODS = (PER_FRAME, "copy", "optical-flow", *FLOW_DESIGNS, "dff", "accel")
"""The project's own methods."""
BACKBONES = tuple(_BACKBONES)
LIBRARY = "hf:"
"""Prefix of the folder or name of a model of the `transformers` library, where a backbone is named."""
SEGFORMERS = (
    *(f"segformer-b{size}{width}" for size in range(6) for width in ("", "-256", "-768")),
    "segformer-nano",
    "segformer-micro",
)
"""SegFormer by its backbone, MiT-B0 to B5, nano and micro, which are the small family's.

A suffix gives the decoder's width, else the published one is taken.
"""
CNNS = (
    *(f"{network}-r101" for network in ("fcn", "pspnet", "deeplabv3plus", "upernet", "ocrnet")),
    *(f"{network}-r101-vspw" for network in ("pspnet", "upernet", "ocrnet")),
    "pspnet-micro",
)
"""Convolutional networks on ResNet-101: the segmentation library's, and those of the VSPW data set's authors.

`micro`, of the small family, is on a ResNet-18 of a quarter of its width.
"""
IMAGE_NETWORKS = (*SEGFORMERS, *CNNS)
"""Image networks of other publications, which are named where a backbone is."""
IMAGE_METHODS = (PER_FRAME, "copy", "optical-flow")
"""The methods that an image network, or a model of the `transformers` library, can be swept as."""
ENTRY_POINTS = "mpvss_bench.methods"
"""Packages add methods of their own in this entry-point group: name = callable(backbone, num_classes)."""
PAPER_METHODS = {
    "Mask2Former": PER_FRAME,
    "MPVSS": "mpvss",
    "Mask2Former-DFF": "dff",
    "Mask2Former-Accel": "accel",
    "Per-frame": PER_FRAME,
    "Copy": "copy",
    "Optical flow": "optical-flow",
    "Ours": "mpvss",
    "Query-random": "mpvss-query-random",
    "Query-learned": "mpvss-query-learned",
    "Query-for-PF": "mpvss-query-for-pf",
    "Query-based flow maps": "mpvss",
}
"""The methods of the paper's tables that the project has, by the names they have there."""
_LABEL = re.compile(r"[A-Za-z0-9._-]+")


def known_methods() -> tuple[str, ...]:
    """The project's own methods, then those that installed packages add."""
    added = importlib.metadata.entry_points(group=ENTRY_POINTS).names
    return (*METHODS, *sorted(added - set(METHODS)))


def method_of(row: str) -> str:
    """The method of a table's row, METHOD or METHOD@LABEL; labels let one method have several rows.

    >>> method_of("optical-flow@fine-tuned")
    'optical-flow'

    Raises:
        UserError: a label of other than letters, digits, `.`, `-` and `_`.
    """
    method, at, label = row.partition("@")
    if at and not _LABEL.fullmatch(label):
        raise UserError(f"{row!r}: a label is letters, digits, '.', '-' and '_', as in optical-flow@fine-tuned")
    return method


def accel_branch(key_backbone: str) -> str:
    """The backbone of Accel's branch for every frame, where `key_backbone` segments the key frames."""
    check_backbone(key_backbone, "accel")
    return backbone_row(key_backbone).accel_branch


def branches(method: str, backbone: str) -> tuple[str, str | None]:
    """The `backbone` and `key_backbone` to build a method with, for the row called `backbone`.

    Accel's row is KEY+OTHER, or KEY, whose usual companion then runs on every frame; other methods have one backbone.

    >>> branches("accel", "r101"), branches("mpvss", "r101")
    (('r50', 'r101'), ('r101', None))
    """
    if method != "accel":
        return backbone, None
    key, plus, other = backbone.partition("+")
    return (other if plus else accel_branch(key)), key


def has_masks(backbone: str) -> bool:
    """False for the networks that score classes: `IMAGE_NETWORKS`, and models of the `transformers` library."""
    return backbone not in IMAGE_NETWORKS and not backbone.startswith(LIBRARY)


def check_backbone(name: str, method: str | None = None) -> None:
    """Raise UserError unless there is such a backbone, and it has `method`."""
    if has_masks(name):
        backbone_row(name)
    elif method in (*METHODS, GROUND_TRUTH_FLOW) and method not in IMAGE_METHODS:
        raise UserError(f"{name} is swept as {', '.join(IMAGE_METHODS)}; {method} needs another backbone")


def check_names(names: Iterable[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """The names, as they are; `what` says in a message what they name.

    Raises:
        UserError: a name that is not known.
    """
    names = tuple(names)
    for name in names:
        if name not in known:
            raise UserError(f"unknown {what} {name!r}; known are {', '.join(known)}")
    return names


def backbone_names(names: Sequence[str], rows: Sequence[str]) -> tuple[str, ...]:
    """The names, as they are, of backbones that have every row (METHOD or METHOD@LABEL).

    Raises:
        UserError: a name that is not known; a network without masks with a method it has not.
    """
    for name in names:
        if name not in BACKBONES and has_masks(name):
            known = ", ".join((*BACKBONES, *IMAGE_NETWORKS))
            raise UserError(f"unknown backbone {name!r}; known are {known}, and {LIBRARY}PATH of a transformers model")
        for row in rows:
            check_backbone(name, method_of(row))
    return tuple(names)
