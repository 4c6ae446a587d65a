"""Predicted speed: the time of a method's frames on a device that is not here, from its operators and a data sheet.

`predict` predicts methods by name, `published_speeds` the speeds that the paper printed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.measure.predict.published import PublishedSpeed, published_speeds
    from bench.measure.predict.speeds import PredictedSpeed, predict

__all__ = ["PredictedSpeed", "PublishedSpeed", "predict", "published_speeds"]

_HOMES = {"published": ("PublishedSpeed", "published_speeds"), "speeds": ("PredictedSpeed", "predict")}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and with it torch, when it is asked for."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
