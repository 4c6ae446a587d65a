"""Clips of frames, streamed and checked on the way: what every reader of video gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import UInt8

from mpvss.errors import UserError
from mpvss.labels import IGNORE

MOST_PIXELS = 1 << 26
"""Pixels of the largest frame that is read or made: 8192x8192. Larger ones are refused before they take memory."""


@dataclass(frozen=True)
class Frame:
    """One video frame and, where they are known, the classes of its pixels.

    Attributes:
        image: RGB, (3, H, W), contiguous.
        labels: (H, W), class ids, 255 = ignore; None for a frame without labels.
        name: what the frame is called within its clip: its file's stem, or its number.
        labels_from: the file the labels were read from, for error messages.

    """

    image: UInt8[np.ndarray, "3 h w"]
    labels: UInt8[np.ndarray, "label_h label_w"] | None
    name: str
    labels_from: str = ""


@dataclass(frozen=True)
class Clip:
    """One video. Its frames come one at a time and are not kept, so memory does not grow with its length.

    Attributes:
        name: unique in its data set.
        read: starts at the first frame each time it is called. Readers give it; callers use `frames`.
        num_frames: None where a video file does not give it.
        labelled: whether frames have labels (not every frame must).
        num_classes: what label ids must be below; None for a clip without labels.
        labelled_frames: the indices of the frames with labels, ascending, where those are a few single frames; such a
            clip is scored at every distance from a key frame. None: it is scored frame by frame.
        read_frame: reads one frame by its index, without the frames before it; None: the clip can only be streamed.
        flow: the ground-truth backward flow from one frame to an earlier one, (2, H, W) in pixels, x then y, and
            which pixels are occluded, (H, W); None: unknown.

    """

    name: str
    read: Callable[[], Iterator[Frame]]
    num_frames: int | None
    labelled: bool
    num_classes: int | None
    labelled_frames: tuple[int, ...] | None = None
    read_frame: Callable[[int], Frame] | None = None
    flow: Callable[[int, int], tuple[np.ndarray, np.ndarray]] | None = None

    def frame(self, index: int) -> Frame:
        """One frame of a clip with `read_frame`; UserError as `frames`."""
        assert self.read_frame is not None, "this clip is streamed"
        frame = self.read_frame(index)
        self._check(frame, frame.image.shape[1:])
        return frame

    def frames(self) -> Iterator[Frame]:
        """The frames in order, from the first, each time it is called.

        Raises:
            UserError: while streaming, naming the clip and frame: a file that cannot be read, no frame at
                all, a frame of another size than the first, labels of another size than their frame, an id
                that is no class.

        """
        size = None
        for frame in self.read():
            size = size or frame.image.shape[1:]
            self._check(frame, size)
            yield frame
        if size is None:
            raise UserError(f"clip {self.name} has no frames")

    def _check(self, frame: Frame, size: tuple[int, ...]) -> None:
        where = f"clip {self.name}, frame {frame.name}"
        if frame.image.shape[1:] != size:
            raise UserError(
                f"{where}: the frame is {_text(frame.image.shape[1:])} and the clip's first {_text(size)}; "
                "frames of one clip must share one size"
            )
        if frame.labels is None:
            return
        if frame.labels_from:
            where += f", labels {frame.labels_from}"
        if frame.labels.shape != size:
            raise UserError(
                f"{where}: the labels are {_text(frame.labels.shape)} and the frame {_text(size)}; they must agree"
            )
        assert self.num_classes is not None, "labelled clips know their classes"
        strangers = (frame.labels >= self.num_classes) & (frame.labels != IGNORE)
        if strangers.any():
            row, column = np.unravel_index(strangers.argmax(), size)
            raise UserError(
                f"{where}: id {frame.labels[row, column]} at row {row}, column {column}; "
                f"ids are 0 to {self.num_classes - 1}, or {IGNORE} for ignore"
            )


@dataclass(frozen=True)
class Dataset:
    """Clips that share one set of classes.

    Attributes:
        name: the kind of data set, for titles.
        clips: one or more; of those with labels, all or none have `labelled_frames`.
        class_names: in the order of their ids; empty where the classes are not known (clips without labels).
        palette: the RGB colour of each class, for overlays.
        identity: what was measured, without paths of this machine. Different data have different identities.
        frame_rate: frames a second that the camera took, of which some may have been left out; None: unknown, or made
            up frames.

    """

    name: str
    clips: tuple[Clip, ...]
    class_names: tuple[str, ...]
    palette: UInt8[np.ndarray, "c 3"]
    identity: str
    frame_rate: Fraction | None = None

    @property
    def num_classes(self) -> int | None:
        """How many classes there are; None where they are not known."""
        return len(self.class_names) or None

    @property
    def labelled(self) -> bool:
        """Whether any clip has labels, so that accuracy can be measured."""
        return any(clip.labelled for clip in self.clips)


def _text(size: tuple[int, ...]) -> str:
    height, width = size
    return f"{width}x{height}"
