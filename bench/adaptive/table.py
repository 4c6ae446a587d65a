"""Every way to reach every frame of a clip: from each key frame before it, the pixel counts and the signals. No torch.

A frame's map depends on its key frame and not on the schedule that chose it. So a clip is run once, and any number of
schedules, at any threshold, are played from the table.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.runs.clip_counts import MOST_BYTES
from bench.runs.files import make_folder, read_bytes, write_atomically
from mpvss.errors import UserError


@dataclass(frozen=True)
class ClipTable:
    """A clip of T frames and C classes. Entry [k, t] is of frame t by key frame k; what was not run is 0 or nan.

    Attributes:
        name: of the clip.
        truth: int64 (T, C): pixels of each class in the ground truth.
        hits: int64 (T, T, C): those that are right.
        predicted: int64 (T, T, C): pixels of each class in the prediction.
        signals: float64 (T, T) by name.

    """

    name: str
    truth: np.ndarray
    hits: np.ndarray
    predicted: np.ndarray
    signals: dict[str, np.ndarray]

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.truth)

    def counts(self, keys: np.ndarray) -> np.ndarray:
        """Int64 (C, 3): pixels of (intersection, truth, predicted) where frame t is of key frame `keys[t]`."""
        frames = np.arange(self.frames)
        hits, predicted = (counts[keys, frames].sum(axis=0) for counts in (self.hits, self.predicted))
        return np.stack((hits, self.truth.sum(axis=0), predicted), axis=-1)

    def write(self, file: Path) -> None:
        """Write the table in one step."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            name=np.array(self.name),
            truth=self.truth,
            hits=self.hits,
            predicted=self.predicted,
            names=np.array(json.dumps(list(self.signals))),
            signals=np.stack(list(self.signals.values())),
        )
        make_folder(file.parent)
        write_atomically(file, buffer.getvalue())


def read_table(file: Path) -> ClipTable:
    """A table that was written.

    Raises:
        UserError: the file is not there or damaged.
    """
    content = read_bytes(file)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("truth", "hits", "predicted", "signals")}
            name, names = str(stored["name"]), json.loads(str(stored["names"]))
        if sum(array.nbytes for array in arrays.values()) > MOST_BYTES:
            raise ValueError(f"it holds over {MOST_BYTES} bytes")
        frames, classes = arrays["truth"].shape
        expected = {"hits": (frames, frames, classes), "predicted": (frames, frames, classes)}
        expected["signals"] = (len(names), frames, frames)
        if any(arrays[part].shape != shape for part, shape in expected.items()):
            raise ValueError("its arrays do not go together")
    except Exception as error:  # damaged bytes fail in too many ways to name
        raise UserError(
            f"{file} is damaged ({type(error).__name__}: {error}); delete it to run its clip again"
        ) from error
    signals = dict(zip(names, arrays.pop("signals"), strict=True))
    return ClipTable(name=name, **arrays, signals=signals)
