"""How well speeds are predicted on this card: from its data sheet, and from rates that are fitted to some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import torch

from bench.card.rows import SETTINGS, TableRow
from bench.card.speed import interval_of
from bench.evaluate.turns import propagate, segment
from bench.measure.count.calls import recorded_calls
from bench.measure.predict.devices import Device, read_devices
from bench.measure.predict.fit import Speed, fit
from bench.measure.predict.kernels import kernels_of
from bench.measure.predict.published import published_rates
from bench.measure.time.samples import CLIP_LENGTH
from bench.methods import build
from bench.methods.names import branches
from bench.runs.records.card import CardPrediction, SpeedPrediction
from mpvss.errors import UserError
from mpvss.video import lookahead_of, uses_key_frames

FITTED_BACKBONES = ("r50", "swin-l")
"""The least and the most backbone, of the project's own rows: what rates are fitted to. The other rows judge them."""


SETTLED = CLIP_LENGTH
"""Frames of a clip after which those of a method without key frames are all alike."""


@dataclass(frozen=True)
class MeasuredSpeed:
    """A row of the paper's tables with its speed on this card."""

    row: TableRow
    fps: float


def device_entry(name: str, known: dict[str, Device]) -> str:
    """The entry of the devices file that a device's name, as torch gives it, speaks of.

    All words of the entry are among the name's; of several such entries it is the one of most words.

    >>> device_entry("NVIDIA H100 80GB HBM3", read_devices())
    'h100'

    Raises:
        UserError: there is none.
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    words += [first + second for first, second in pairwise(words)]
    fitting = [entry for entry in known if set(entry.split("-")) <= set(words)]
    if not fitting:
        raise UserError(f"no data sheet is known of {name!r}; known are {', '.join(known)}")
    return max(fitting, key=lambda entry: entry.count("-"))


def predicted(
    measured: Sequence[MeasuredSpeed], device_name: str, size: tuple[int, int] | None, *, by_data_sheet: bool = True
) -> CardPrediction:
    """Fit the rates to a part of the speeds, and predict all. Nothing is run; `size` is that of every frame, or None.

    The lean graph is predicted in scope `model`, in float32. Rows that cannot run on shapes are left out.

    Raises:
        UserError: no data sheet is known of the device, or nothing was measured to fit to.
    """
    known = read_devices()
    entry = device_entry(device_name, known)
    device = known[entry]
    speeds = [(one, speed) for one in measured if (speed := _speed(one.row, size)) is not None]
    is_fitted = [one.row.backbone in FITTED_BACKBONES for one, _ in speeds]
    to_fit = [pair for pair, fitted in zip(speeds, is_fitted, strict=True) if fitted]
    if not to_fit:
        raise UserError(f"no speed of {' or '.join(FITTED_BACKBONES)} was measured, which rates are fitted to")
    rates = fit([speed for _, speed in to_fit], [1 / one.fps for one, _ in to_fit], device)
    of_v100 = published_rates() if by_data_sheet else None
    return CardPrediction(
        device=entry,
        rates=asdict(rates),
        speeds=[
            SpeedPrediction(
                table=one.row.table,
                method=one.row.paper_method,
                backbone=one.row.paper_backbone,
                measured_fps=one.fps,
                predicted_fps=1 / speed.seconds(device, rates),
                fitted=fitted,
                by_data_sheet_fps=None if of_v100 is None else 1 / speed.seconds(device, of_v100),
            )
            for (one, speed), fitted in zip(speeds, is_fitted, strict=True)
        ],
    )


def _speed(row: TableRow, size: tuple[int, int] | None) -> Speed | None:
    """The kernels of both kinds of frame, to the scores; None where the method needs numbers."""
    table_size, num_classes = SETTINGS[row.table]
    of_frame, of_key = branches(row.method, row.backbone)
    try:
        with torch.device("meta"):
            segmenter = build(row.method, backbone=of_frame, key_backbone=of_key, num_classes=num_classes)
        frame = torch.empty(3, *(size or table_size), dtype=torch.uint8, device="meta")
        coming = [frame] * lookahead_of(segmenter)
        with torch.no_grad():
            with recorded_calls("") as key:
                prediction, state = segment(segmenter, frame, coming)
                prediction.scores()
            if not uses_key_frames(segmenter):
                for _ in range(SETTLED):
                    state = propagate(segmenter, frame, state, coming)[1]
            with recorded_calls("") as non_key:
                propagate(segmenter, frame, state, coming)[0].scores()
    except (RuntimeError, NotImplementedError):
        return None
    of_key, of_non_key = kernels_of(key.calls), kernels_of(non_key.calls)
    if not uses_key_frames(segmenter):
        of_key = of_non_key
    return Speed(of_key, of_non_key, interval_of(segmenter, row.method))
