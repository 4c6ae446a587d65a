"""The trained weights that come with the project: one folder for each row, `weights/BACKBONE/METHOD[@LABEL]/`.

`model.safetensors`
    The weights, in float16; loaded as float32.
`training.toml`
    How they were produced: command, commit, seed, steps, the last validation, what was started from, the configuration.
`history.csv`
    Losses and validation over the steps.

For Accel, BACKBONE is that of its key branch, as in results.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.methods.names import (
    BACKBONES,
    DIS_FLOW,
    GROUND_TRUTH_FLOW,
    MEMORY_VIDEO,
    RAFT_FLOW,
    branches,
    brings_weights,
    has_masks,
    is_small,
    method_of,
)
from mpvss.errors import UserError

FOLDER = Path(__file__).parents[1] / "weights"
MODEL = "model.safetensors"
FLOW_ROW = "micro/optical-flow@pre-trained"
"""Holds the FlowNetS that was trained on ground-truth flow alone, and so goes with any segmentor."""
_WITH_PER_FRAME = ("copy", RAFT_FLOW, DIS_FLOW, MEMORY_VIDEO, GROUND_TRUTH_FLOW)
"""Methods that run the per-frame model and nothing else that is shipped."""
_FROZEN_FLOW = ("netwarp", "dvsnet")
"""Methods of other publications whose flow network is not trained with the others."""


def shipped_rows() -> list[str]:
    """Every BACKBONE/METHOD[@LABEL] that there are weights of."""
    return sorted(file.parent.relative_to(FOLDER).as_posix() for file in FOLDER.glob(f"*/*/{MODEL}"))


def shipped_file(row: str, backbone: str) -> Path | None:
    """The weights of a row; None for an image network that brings its own.

    Raises:
        UserError: there are none.
    """
    backbone = branches(MEMORY_VIDEO, backbone)[1] or backbone if method_of(row) == MEMORY_VIDEO else backbone
    if brings_weights(backbone):
        return None
    name = f"{backbone}/{'per-frame' if method_of(row) in _WITH_PER_FRAME else row}"
    if name not in shipped_rows():
        shipped = ", ".join(shipped_rows()) or "none"
        raise UserError(f"no weights are shipped for {name}; shipped are: {shipped}")
    return FOLDER / name / MODEL


def shipped_flow(row: str, backbone: str) -> Path | None:
    """The small FlowNetS, for the rows whose own file leaves it out; of others, None.

    These are optical flow on networks without masks, and the methods of the small family that do not train it.
    """
    method = method_of(row)
    left_out = not has_masks(backbone) if method == "optical-flow" else method in _FROZEN_FLOW and is_small(backbone)
    return FOLDER / FLOW_ROW / MODEL if left_out else None


def shipped_identity(*, rivals: bool = False) -> str:
    """The start of a SHA-256 over all that is shipped of Mask2Former's family, or of the rivals' networks.

    It does not change with the rows that are asked for; nor, for the family, with the rivals that are added.
    """
    digest = hashlib.sha256()
    for name in shipped_rows():
        if (name.partition("/")[0] in BACKBONES) == rivals:
            continue
        digest.update(name.encode() + b"\0" + hashlib.sha256((FOLDER / name / MODEL).read_bytes()).digest())
    return digest.hexdigest()[:16]
