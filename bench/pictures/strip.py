"""A strip of frames: ground truth and predictions below each other, as in Figure 4 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mpvss.labels import IGNORE

WIDTH = 2.3
"""Inches of a column."""
LEGEND_COLUMNS = 6


@dataclass(frozen=True)
class Column:
    """One frame.

    Attributes:
        index: of the frame in its clip.
        key: index of its key frame.
        image: RGB, (3, H, W).
        labels: the ground truth, (H, W); None where there is none.
        predictions: a label map, (H, W), for each method by its title.

    """

    index: int
    key: int
    image: UInt8[np.ndarray, "3 h w"]
    labels: UInt8[np.ndarray, "h w"] | None
    predictions: dict[str, np.ndarray]


def draw_strip(columns: Sequence[Column], class_names: Sequence[str], palette: UInt8[np.ndarray, "c 3"]) -> Figure:
    """Rows: frame, ground truth where there is any, each method. Ignored pixels are black."""
    rows = ["frame", *(["ground truth"] if any(c.labels is not None for c in columns) else [])]
    rows += list(columns[0].predictions)
    height = WIDTH * columns[0].image.shape[1] / columns[0].image.shape[2]
    figure = Figure(figsize=(WIDTH * len(columns) + 0.4, (height + 0.03) * len(rows) + 0.7), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)  # type: ignore[union-attr]
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    shown: set[int] = set()
    for x, column in enumerate(columns):
        for y, row in enumerate(rows):
            labels = column.labels if row == "ground truth" else column.predictions.get(row)
            picture = _picture(column, row, labels, palette)
            place = axes[y, x]
            place.set(xticks=[], yticks=[])
            place.grid(visible=False)
            place.spines[:].set_visible(False)
            if picture is not None:
                place.imshow(picture, interpolation="nearest")
            if labels is not None:
                shown |= set(np.unique(labels).tolist())
            if x == 0:
                place.set_ylabel(row.replace("@", "\n@"))
        axes[0, x].set_title(_caption(column))
    names = [Patch(facecolor=palette[i] / 255, edgecolor="0.4", label=class_names[i]) for i in sorted(shown - {IGNORE})]
    if IGNORE in shown:
        names.append(Patch(facecolor="black", label="ignored"))
    figure.legend(handles=names, loc="outside lower center", ncols=LEGEND_COLUMNS)
    return figure


def _picture(column: Column, row: str, labels: np.ndarray | None, palette: np.ndarray) -> np.ndarray | None:
    if row == "frame":
        return column.image.transpose(1, 2, 0)
    if labels is None:
        return None
    colours = np.zeros((IGNORE + 1, 3), np.uint8)
    colours[: len(palette)] = palette
    return colours[labels]


def _caption(column: Column) -> str:
    distance = column.index - column.key
    return f"frame {column.index}: " + ("key frame" if not distance else f"{distance} after the key frame")
