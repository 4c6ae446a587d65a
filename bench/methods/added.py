"""Methods and image networks that installed packages add, built through their entry points."""

from __future__ import annotations

import importlib.metadata
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from baselines.added_network import AddedNetwork, Network
from bench.methods.names import ENTRY_POINTS, SEGMENTORS
from mpvss.errors import UserError
from mpvss.sharing import SharedResults
from mpvss.video import VideoSegmenter

PARTS = ("num_classes", "segment", "propagate")
"""What a method must have; see `mpvss.video.VideoSegmenter`."""
File = str | os.PathLike[str]


def build_added(
    name: str, num_classes: int, weights: File | None = None, shared: SharedResults | None = None
) -> AddedNetwork:
    """The image network that a package calls `name`, in the group `mpvss_bench.segmentors`.

    Raises:
        UserError: what is built cannot be called, or takes no weights where some are given.
    """
    network = _call(SEGMENTORS, name, weights, num_classes=num_classes)
    if not callable(network):
        raise UserError(
            f"{name} built a {type(network).__name__}; it must build a callable from a frame (3, H, W), 0..255, "
            f"to class scores ({num_classes}, h, w)"
        )
    return AddedNetwork(cast("Network", network), name=name, num_classes=num_classes, shared=shared)


def build_added_method(name: str, backbone: str, num_classes: int, weights: File | None = None) -> VideoSegmenter:
    """The method that a package calls `name`, in the group `mpvss_bench.methods`.

    Raises:
        UserError: what is built is no `VideoSegmenter`, is one of other classes, or takes no weights where some are
            given.
    """
    method = _call(ENTRY_POINTS, name, weights, backbone=backbone, num_classes=num_classes)
    lacking = [part for part in PARTS if not hasattr(method, part)]
    if lacking:
        raise UserError(
            f"{name} built a {type(method).__name__} without {', '.join(lacking)}; a method has {', '.join(PARTS)}"
        )
    if method.num_classes != num_classes:
        raise UserError(f"{name} says num_classes = {method.num_classes}; it was built for {num_classes}")
    return method


def _call(group: str, name: str, weights: File | None, **arguments: Any) -> Any:
    """What an entry point builds. `weights` reach it as text, and only where some are given."""
    (entry, *_) = importlib.metadata.entry_points(group=group, name=name)
    build = entry.load()
    if weights is not None:
        if not _takes_weights(build):
            raise UserError(
                f"{name} takes no weights: {entry.value} has no argument `weights`; give {os.fspath(weights)} to other "
                "rows alone, as BACKBONE/METHOD=FILE"
            )
        if not Path(weights).is_file():
            raise UserError(f"checkpoint {weights} does not exist or is not a file")
        arguments["weights"] = os.fspath(weights)
    return build(**arguments)


def _takes_weights(build: Callable[..., Any]) -> bool:
    arguments = inspect.signature(build).parameters
    return "weights" in arguments or any(each.kind is each.VAR_KEYWORD for each in arguments.values())
