"""Video consistency (VC): the share of pixels constant in the truth that are constant in the prediction too.

Two measures, over windows of n successive frames:

- `VideoConsistency` is what the VSPW scripts compute and what papers, MPVSS among them, report as mVC.
- `StrictVideoConsistency` is the formula of the VSPW paper (Miao et al., CVPR 2021): constant AND right.

Both take one frame at a time and keep a few maps the size of a frame, however long the clip is: a pixel is constant
over the last n frames if its value has not changed for n frames or more. A window in which no pixel of the truth is
constant has no value (0/0; the scripts give nan, which spoils the whole mean). It is nan in the list of windows and
left out of the mean. A mean over no window is None.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Integer, UInt16

from mpvss.errors import UserError
from mpvss.labels import IGNORE

SHORTEST_SCORED_CLIP = 17
"""The VSPW scripts skip clips of 16 frames or fewer, for VC8 as for VC16."""


class _Runs:
    """For how many frames each pixel has kept its value, the present one included; counting stops at `cap`."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._lengths: UInt16[np.ndarray, "h w"] | None = None

    def extend(self, kept: Bool[np.ndarray, "h w"], start: int) -> UInt16[np.ndarray, "h w"]:
        """Lengthen the runs by a frame where `kept`; elsewhere they restart at `start`."""
        if self._lengths is None:
            self._lengths = np.zeros(kept.shape, np.uint16)
        self._lengths *= kept
        self._lengths += kept if start == 0 else 1
        np.minimum(self._lengths, self._cap, out=self._lengths)
        return self._lengths


class _Accumulator:
    """What both measures share: windows of this clip, sums over all clips, and the check of frame sizes."""

    def __init__(self, windows: Sequence[int] = (8, 16)) -> None:
        if not windows or min(windows) < 2 or max(windows) >= 1 << 16:
            raise UserError(f"windows are {tuple(windows)}; give one or more lengths of 2 to 65535 frames")
        self._windows = tuple(windows)
        self._sums = dict.fromkeys(self._windows, 0.0)
        self._counts = dict.fromkeys(self._windows, 0)
        self._clear()

    def _clear(self) -> None:
        self._frames = 0
        self._shape: tuple[int, ...] | None = None
        self._values: dict[int, list[float]] = {n: [] for n in self._windows}

    def _check(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        if self._shape is None:
            self._shape = truth.shape
        for what, labels in (("truth", truth), ("prediction", prediction)):
            if labels.shape != self._shape:
                raise UserError(f"the {what} of frame {self._frames} is {labels.shape}, not {self._shape}")

    def _close(self) -> dict[int, tuple[float, ...]]:
        closed = {n: tuple(values) for n, values in self._values.items()}
        for n, values in closed.items():
            measured = [value for value in values if not np.isnan(value)]
            self._sums[n] += sum(measured)
            self._counts[n] += len(measured)
        self._clear()
        return closed

    def mean(self, window: int) -> float | None:
        """The mean over the windows of that length of all ended clips, 0..1; None where there was none."""
        if window not in self._sums:
            raise UserError(f"VC{window} was not measured; the windows are {self._windows}")
        return self._sums[window] / self._counts[window] if self._counts[window] else None


class VideoConsistency(_Accumulator):
    """VC_n and mVC_n of the VSPW scripts.

    In a clip of T frames, windows start at 0 .. T−n−1: the last possible one is not used. A window's value is the share
    of the pixels with a constant truth whose prediction is constant too, right or wrong; ignore (255) is a value of the
    truth like another. Clips of 16 frames or fewer are skipped, whatever n. mVC_n is the mean over all windows of all
    clips, so a long clip weighs more.

    Args:
        windows: the lengths n, in frames.

    """

    def _clear(self) -> None:
        super()._clear()
        self._truth_runs = _Runs(max(self._windows))
        self._prediction_runs = _Runs(max(self._windows))
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._pending: dict[int, float] = {}

    def update(self, truth: Integer[np.ndarray, "..."], prediction: Integer[np.ndarray, "..."]) -> None:
        """Take the next frame's label maps, (H, W) each.

        Raises:
            UserError: a map of another size than the clip's first.

        """
        self._check(truth, prediction)
        # There is a frame after them, so the windows that ended at the frame before are not the clip's last.
        for n, value in self._pending.items():
            self._values[n].append(value)
        truth_before, prediction_before = self._last or (truth, prediction)
        still = self._truth_runs.extend(truth == truth_before, start=1)
        predicted_still = self._prediction_runs.extend(prediction == prediction_before, start=1)
        self._last = (truth.copy(), prediction.copy())
        self._frames += 1
        self._pending = {n: _share(predicted_still >= n, still >= n) for n in self._windows if self._frames >= n}

    def end_clip(self) -> dict[int, tuple[float, ...]]:
        """Close the clip; the next `update` begins another.

        Returns:
            The windows' values in the order of their starts, by window length; empty for a skipped clip.

        """
        if self._frames < SHORTEST_SCORED_CLIP:
            self._clear()
        return self._close()


class StrictVideoConsistency(_Accumulator):
    """VC_n by the VSPW paper's formula: the share of the constant pixels that are predicted RIGHT in every frame.

    In a clip of T frames, windows start at 0 .. T−n, the last included. A window's value is the share of the pixels
    with a constant truth whose prediction equals it in all n frames. Ignored pixels (255) are not counted, since no
    prediction of them is right. Clips of fewer than n frames have no window. Not comparable with published mVC figures.

    Args:
        windows: the lengths n, in frames.

    """

    def _clear(self) -> None:
        super()._clear()
        self._truth_runs = _Runs(max(self._windows))
        self._right_runs = _Runs(max(self._windows))
        self._last: np.ndarray | None = None

    def update(self, truth: Integer[np.ndarray, "..."], prediction: Integer[np.ndarray, "..."]) -> None:
        """Take the next frame's label maps, (H, W) each.

        Raises:
            UserError: a map of another size than the clip's first.

        """
        self._check(truth, prediction)
        still = self._truth_runs.extend(truth == (truth if self._last is None else self._last), start=1)
        right = self._right_runs.extend(prediction == truth, start=0)
        self._last = truth.copy()
        self._frames += 1
        counted = truth != IGNORE
        for n in self._windows:
            if self._frames >= n:
                self._values[n].append(_share(right >= n, (still >= n) & counted))

    def end_clip(self) -> dict[int, tuple[float, ...]]:
        """Close the clip; the next `update` begins another.

        Returns:
            The windows' values in the order of their starts, by window length.

        """
        return self._close()


def _share(kept: Bool[np.ndarray, "h w"], among: Bool[np.ndarray, "h w"]) -> float:
    total = np.count_nonzero(among)
    return np.count_nonzero(kept & among) / total if total else float("nan")
