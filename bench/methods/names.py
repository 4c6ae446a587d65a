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
"""MPVSS, and what it is built on and compared with on the same Mask2Former: the methods that `all` names."""
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
    *(
        f"{network}-r{depth}"
        for network in ("fcn", "pspnet", "deeplabv3plus", "upernet", "ocrnet")
        for depth in (18, 50, 101)
    ),
    *(f"{network}-r101-vspw" for network in ("pspnet", "upernet", "ocrnet")),
    "pspnet-micro",
    "ocrnet-nano",
)
"""Convolutional networks on a ResNet: the segmentation library's, and those of the VSPW data set's authors.

`micro` and `nano`, of the small family, are on a ResNet-18 of a quarter and of an eighth of its width.
"""
IMAGE_NETWORKS = (*SEGFORMERS, *CNNS)
"""Image networks of other publications, which are named where a backbone is."""
RAFT_FLOW, DIS_FLOW = "optical-flow-raft", "optical-flow-dis"
"""Optical flow by RAFT, and by OpenCV's dense inverse search, in the place of FlowNetS. `all` leaves them out."""
FLOWNETS, RAFT = "flownets", "raft"
"""Flow networks, whose weights may come apart from a row's others."""
IMAGE_METHODS = (PER_FRAME, "copy", "optical-flow", RAFT_FLOW, DIS_FLOW)
"""The methods that an image network, or a model of the `transformers` library, can be swept as."""
VIDEOMT = "videomt"
MEMORY_VIDEO = "sam2-video"
LIBRARY_METHODS = (VIDEOMT, MEMORY_VIDEO)
"""The methods that run video networks of the `transformers` library, which is their backbone."""
_MITS = ("mit-b0", "mit-b1", "mit-b2", "mit-b5", "mit-nano", "mit-micro")
_OCRNETS = tuple(name for name in CNNS if name.startswith("ocrnet-"))
_RESNETS = ("r50", "r101", "r50-nano")
_ACCEL_KEY = "r101"
_ACCEL_SMALL = ("r50-nano", "r18-nano")
ACCEL_BRANCHES = ("r18", "r34", "r50", _ACCEL_KEY, *_ACCEL_SMALL)
"""The backbones of Accel's branches, and DFF's, as first published."""
VIDEO_METHODS: dict[str, tuple[str, ...]] = {
    "cffm": _MITS,
    "mrcfa": _MITS,
    "mrcfa-16": _MITS,
    "netwarp": _OCRNETS,
    "tcb": _OCRNETS,
    "dvsnet": _RESNETS,
    "dff-original": _RESNETS,
    "accel-original": (
        _ACCEL_KEY,
        *(f"{_ACCEL_KEY}+{branch}" for branch in ("r18", "r34", "r50")),
        "+".join(_ACCEL_SMALL),
    ),
}
"""Video methods of other publications, each with its backbones; `nano` is of an eighth of the width."""
_VIDEO_BACKBONES = tuple(
    dict.fromkeys(
        name
        for backbones in VIDEO_METHODS.values()
        for name in backbones
        if name not in BACKBONES and name not in IMAGE_NETWORKS
    )
)
"""Backbones that no other method has."""
_EVERY_BACKBONE = (*BACKBONES, *IMAGE_NETWORKS, *_VIDEO_BACKBONES)
WITHOUT_KEY_FRAMES = (PER_FRAME, "cffm", "mrcfa", "mrcfa-16", "netwarp", "tcb", "dvsnet", VIDEOMT)
"""The methods built here to which a key-frame interval means nothing: they have one cell, at interval 1."""
FRAMES_BEFORE = {"cffm": 9, "mrcfa": 9, "mrcfa-16": 9}
"""How many frames a method needs before one that is scored alone, where its program has no rule for fewer."""
BUILT_METHODS = (*METHODS, RAFT_FLOW, DIS_FLOW, *VIDEO_METHODS, *LIBRARY_METHODS)
"""Every method that is built here."""
ENTRY_POINTS = "mpvss_bench.methods"
"""Packages add methods of their own in this entry-point group: name = callable(backbone, num_classes)."""
SEGMENTORS = "mpvss_bench.segmentors"
"""Packages add image networks of their own in this entry-point group: name = callable(num_classes)."""
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
    """The methods that are built here, then those that installed packages add."""
    added = importlib.metadata.entry_points(group=ENTRY_POINTS).names
    return (*BUILT_METHODS, *sorted(added - set(BUILT_METHODS)))


def added_segmentors() -> tuple[str, ...]:
    """The image networks that installed packages add; they are named where a backbone is."""
    added = importlib.metadata.entry_points(group=SEGMENTORS).names
    return tuple(sorted(added - {*BACKBONES, *IMAGE_NETWORKS}))


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

    Accel's row is KEY+OTHER, or KEY, whose usual companion then runs on every frame. Accel as first published is
    KEY+OTHER too, and KEY where one backbone does both (Accel-101). That of `MEMORY_VIDEO` is KEY+hf:TRACKER. Other
    methods have one backbone.

    >>> branches("accel", "r101"), branches("mpvss", "r101"), branches("accel-original", "r101+r18")
    (('r50', 'r101'), ('r101', None), ('r18', 'r101'))
    """
    if method == MEMORY_VIDEO:
        return _tracker_and_key(backbone)
    if method not in ("accel", "accel-original"):
        return backbone, None
    key, plus, other = backbone.partition("+")
    if method == "accel-original":
        return (other if plus else key), key
    return (other if plus else accel_branch(key)), key


def _tracker_and_key(backbone: str) -> tuple[str, str]:
    key, plus, tracker = backbone.rpartition(f"+{LIBRARY}")
    if not plus:
        raise UserError(
            f"{MEMORY_VIDEO} has two networks; write KEY+{LIBRARY}TRACKER, KEY a backbone that segments key frames, "
            f"instead of {backbone!r}"
        )
    check_backbone(key)
    return f"{LIBRARY}{tracker}", key


def flow_network(method: str, backbone: str) -> str | None:
    """The flow network that a method has with a backbone, where it has one with weights of its own.

    >>> flow_network("dff", "r101"), flow_network("netwarp", "ocrnet-r101"), flow_network("netwarp", "ocrnet-nano")
    ('flownets', 'raft', 'flownets')
    """
    if method in ("netwarp", "dvsnet") and is_small(backbone):
        return FLOWNETS
    if method == "netwarp":
        return RAFT
    if method in ("optical-flow", "dff", "accel"):
        return FLOWNETS
    return RAFT if method == RAFT_FLOW else None


def is_small(backbone: str) -> bool:
    """Whether a backbone is of the small family."""
    return backbone.partition("+")[0].rpartition("-")[2] in ("nano", "micro")


def brings_weights(backbone: str) -> bool:
    """True for the networks of others, which load themselves: models of the library, and `added_segmentors`."""
    return backbone.startswith(LIBRARY) or backbone in added_segmentors()


def has_masks(backbone: str) -> bool:
    """False for the networks that score classes: `IMAGE_NETWORKS`, and those that bring their weights."""
    return backbone not in IMAGE_NETWORKS and not brings_weights(backbone)


def is_rival(backbone: str) -> bool:
    """True for the networks of other publications that are built here, which are not Mask2Former's backbones."""
    return backbone not in BACKBONES and backbone in _EVERY_BACKBONE


def runs_on_shapes(method: str, backbone: str) -> bool:
    """Whether all of a method's networks are the project's, so that it is counted without a number in them."""
    return method in BUILT_METHODS and method not in (DIS_FLOW, *LIBRARY_METHODS) and not brings_weights(backbone)


def check_backbone(name: str, method: str | None = None) -> None:
    """Raise UserError unless there is such a backbone, and it has `method`. Accel's are KEY, OTHER or KEY+OTHER."""
    if method == VIDEOMT and not name.startswith(LIBRARY):
        raise UserError(f"{VIDEOMT} runs a network of the transformers library; write {LIBRARY}PATH, not {name!r}")
    if method in VIDEO_METHODS:
        if name not in VIDEO_METHODS[method]:
            raise UserError(f"{method} has no backbone {name!r}; known are {', '.join(VIDEO_METHODS[method])}")
    elif name in _VIDEO_BACKBONES and method in (*BUILT_METHODS, GROUND_TRUTH_FLOW):
        only = ", ".join(video for video, backbones in VIDEO_METHODS.items() if name in backbones)
        raise UserError(f"{name} is swept as {only}; {method} needs another backbone")
    elif has_masks(name):
        backbone_row(name)
    elif method in (*BUILT_METHODS, GROUND_TRUTH_FLOW) and method not in (*IMAGE_METHODS, VIDEOMT):
        raise UserError(f"{name} is swept as {', '.join(IMAGE_METHODS)}; {method} needs another backbone")


def check_branches(method: str, backbone: str, key_backbone: str) -> None:
    """Raise UserError unless `method` can be built with these two, which differ for the Accels and `MEMORY_VIDEO`."""
    if method == MEMORY_VIDEO:
        check_backbone(key_backbone)
        return
    if method == "accel-original":
        whole = key_backbone if key_backbone == backbone else f"{key_backbone}+{backbone}"
        check_backbone(whole, method)
        return
    for name in (key_backbone, backbone):
        check_backbone(name, method)


def default_key_backbone(method: str, backbone: str) -> str:
    """The backbone for key frames where none is named."""
    return _ACCEL_KEY if method == "accel-original" else backbone


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
    """The names, as they are, of backbones: each has one of the rows (METHOD or METHOD@LABEL), each row one of them.

    Raises:
        UserError: a name that is not known; a backbone that has none of the rows, or a row that none of them has.
    """
    known = (*_EVERY_BACKBONE, *added_segmentors())
    for name in names:
        if name not in known and LIBRARY not in name:
            raise UserError(
                f"unknown backbone {name!r}; known are {', '.join(known)}, and {LIBRARY}PATH of a transformers model"
            )
        if not any(has_method(name, row) for row in rows):
            _check_pair(name, rows[0])
    for row in rows:
        if not any(has_method(name, row) for name in names):
            _check_pair(names[0], row)
    return tuple(names)


def has_method(backbone: str, row: str) -> bool:
    """Whether a backbone has the method of a row; True where there is no such backbone.

    >>> has_method("micro", "mpvss"), has_method("mit-b0", "cffm"), has_method("mit-b0", "mpvss")
    (True, True, False)
    """
    if backbone not in (*_EVERY_BACKBONE, *added_segmentors()) and LIBRARY not in backbone:
        return True
    try:
        _check_pair(backbone, row)
    except UserError:
        return False
    return True


def _check_pair(backbone: str, row: str) -> None:
    """Raise UserError unless the backbone has the method of a row; KEY+hf:TRACKER has `MEMORY_VIDEO` alone."""
    if method_of(row) == MEMORY_VIDEO:
        branches(MEMORY_VIDEO, backbone)
    elif f"+{LIBRARY}" in backbone:
        raise UserError(f"{backbone} is swept as {MEMORY_VIDEO}; {row} needs another backbone")
    else:
        check_backbone(backbone, method_of(row))
