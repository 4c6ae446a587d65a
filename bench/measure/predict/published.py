"""The paper's speeds on a V100, predicted: fitted to some cells, and judged by the others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from bench.measure.count.frames import record_frames
from bench.measure.count.paper import PAPER_CLIP_LENGTH, PAPER_INTERVAL, PAPER_SETTINGS, published_figures
from bench.measure.predict.devices import Precision, read_devices
from bench.measure.predict.fit import Speed, fit
from bench.measure.predict.fused import fused_deformable_attention
from bench.measure.predict.kernels import kernels_of
from bench.measure.predict.model import Rates
from bench.methods import build

DEVICE = "v100"
METHODS = {"Mask2Former": 1, "MPVSS": PAPER_INTERVAL}
"""Rows that are predicted, and the interval of their key frames."""
FITTED_BACKBONES = ("R50", "Swin-L")
"""The least and the most backbone: both methods, both tables, 8 of the 24 cells."""
MEAN_BOUND, LARGEST_BOUND = 0.06, 0.12
"""What the cells that were not fitted must keep to, as shares of the printed figure."""


@dataclass(frozen=True)
class Cell:
    """A printed speed."""

    table: str
    method: str
    backbone: str
    fps: float


@dataclass(frozen=True)
class PublishedSpeed:
    """A printed speed, and the same predicted."""

    table: str
    method: str
    backbone: str
    published_fps: float
    predicted_fps: float
    fitted: bool
    """Whether the prediction was fitted to this figure too."""

    @property
    def error(self) -> float:
        """Error of the prediction, as a share of the printed figure."""
        return self.predicted_fps / self.published_fps - 1


def published_speeds(
    is_fitted: Callable[[Cell], bool] = lambda cell: cell.backbone in FITTED_BACKBONES,
    precision: Precision = "float32",
) -> list[PublishedSpeed]:
    """Every speed of Mask2Former and MPVSS in Tables 1 and 2, predicted from those that `is_fitted` picks."""
    cells = published_cells()
    device = read_devices()[DEVICE]
    rates = fit_to([cell for cell in cells if is_fitted(cell)], precision)
    return [
        PublishedSpeed(
            cell.table,
            cell.method,
            cell.backbone,
            cell.fps,
            1 / speed_of(cell).seconds(device, rates, precision),
            is_fitted(cell),
        )
        for cell in cells
    ]


def published_rates() -> Rates:
    """The numbers of the model as the V100 of the paper has them."""
    return fit_to([cell for cell in published_cells() if cell.backbone in FITTED_BACKBONES])


def fit_to(cells: Sequence[Cell], precision: Precision = "float32") -> Rates:
    """The model fitted to printed speeds."""
    device = read_devices()[DEVICE]
    return fit([speed_of(cell) for cell in cells], [1 / cell.fps for cell in cells], device, precision)


def published_cells() -> list[Cell]:
    """The printed speeds of Mask2Former and MPVSS."""
    published = published_figures()
    rows = published[published.method.isin(METHODS) & (published.metric == "FPS")]
    columns = zip(rows.table, rows.method, rows.backbone, rows.value, strict=True)
    return [Cell(str(table), str(method), str(backbone), float(fps)) for table, method, backbone, fps in columns]


def speed_of(cell: Cell) -> Speed:
    """The frames of a cell on the published graph, as its program runs them."""
    speed = _frames(cell.table, cell.backbone)
    return Speed(speed.key, speed.non_key, METHODS[cell.method], PAPER_CLIP_LENGTH)


@functools.cache
def _frames(table: str, backbone: str) -> Speed:
    size, num_classes = PAPER_SETTINGS[table]
    with torch.device("meta"):
        mpvss = build("mpvss", backbone=backbone.lower(), num_classes=num_classes, execution="paper")
    with fused_deformable_attention():
        key, non_key = record_frames(mpvss, size)
    return Speed(kernels_of(key.calls), kernels_of(non_key.calls))


def errors_of(speeds: Iterable[PublishedSpeed]) -> tuple[float, float]:
    """Mean and largest error of the cells that were not fitted, as shares."""
    errors = [abs(speed.error) for speed in speeds if not speed.fitted]
    return fmean(errors), max(errors)


@dataclass(frozen=True)
class NonKeyFrame:
    """What the two printed speeds of a backbone say of the frames between key frames."""

    table: str
    backbone: str
    key_ms: float
    non_key_ms: float


def solved_frames() -> list[NonKeyFrame]:
    """Times of key and non-key frames, solved out of each pair of printed speeds.

    Mask2Former gives a key frame's time, and MPVSS the mean of one key frame and four others. If the figures agree
    with each other, a non-key frame takes the same time whatever the backbone, which does not run on it.
    """
    fps = {(cell.table, cell.backbone, cell.method): cell.fps for cell in published_cells()}
    frames = []
    for table, backbone in dict.fromkeys((table, backbone) for table, backbone, _ in fps):
        key, mean = (1000 / fps[table, backbone, method] for method in METHODS)
        non_key = (PAPER_INTERVAL * mean - key) / (PAPER_INTERVAL - 1)
        frames.append(NonKeyFrame(table, backbone, key, non_key))
    return frames
