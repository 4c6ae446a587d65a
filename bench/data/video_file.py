"""Video files: read as clips without labels (`video:PATH`), and written for overlays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8

from bench.data.clip import MOST_PIXELS, Clip, Dataset, Frame
from bench.data.folder import describe
from bench.data.palette import colour_map, numbered_names
from mpvss.errors import UserError
from mpvss.files import written_whole


def open_video(path: Path, num_classes: int | None = None) -> Dataset:
    """A video file as one clip without labels. A rotation that the file asks players for is not applied.

    Args:
        path: anything that FFmpeg reads.
        num_classes: of the labels that will be predicted, for their colours; may be left out.

    Raises:
        UserError: a missing file, not a video, no video stream, frames that are too large. While streaming, with the
            frame's number: a frame that cannot be decoded, and an end before the one that the file announces.

    """
    with _open(path) as container:
        stream = _picture(container, path)
        announced, rate = stream.frames, _rate(stream)
    clip = Clip(path.stem, lambda: _read(path), announced or None, labelled=False, num_classes=None)
    return Dataset(
        name=path.stem,
        clips=(clip,),
        class_names=numbered_names(num_classes or 0),
        palette=colour_map(num_classes or 0),
        identity=describe(f"video:{path.name}", [clip], [path]),
        frame_rate=rate,
    )


def _rate(stream: VideoStream) -> Fraction | None:
    """Frames a second on average, where the file says so."""
    rate = stream.average_rate or stream.guessed_rate
    return Fraction(rate) if rate else None


def _read(path: Path) -> Iterator[Frame]:
    count = 0
    packets = 0
    end = 0.0
    with _open(path) as container:
        stream = _picture(container, path)
        stream.thread_type = "AUTO"
        tick = float(stream.time_base or 0)
        try:
            for packet in container.demux(stream):
                packets += packet.size > 0
                frames = packet.decode()
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * tick)
                for frame in frames:
                    if frame.is_corrupt:
                        raise UserError(f"{path}: frame {count} is damaged")
                    image = np.ascontiguousarray(frame.to_ndarray(format="rgb24").transpose(2, 0, 1))
                    yield Frame(image, None, f"{count:06d}")
                    count += 1
                if packet.is_corrupt:
                    raise UserError(f"{path} is cut short or damaged at frame {count}")
        except av.error.FFmpegError as error:
            raise UserError(f"{path}: frame {count} cannot be decoded: {error.strerror}") from error
        if not count:
            raise UserError(f"{path} holds no frame")
        # A trimmed file may hold fewer packets than it counts and one with a slow last frame may seem to end early, so
        # packets are believed where the time agrees, and the time alone where half a second is missing.
        slack = 2 / float(stream.average_rate or 2) if packets < stream.frames else 0.5
        announced = _announced_end(container, stream)
        if end + slack < announced:
            raise UserError(f"{path} is cut short: it ends at frame {count}, after {end:.2f} s of {announced:.2f} s")


def _announced_end(container: InputContainer, stream: VideoStream) -> float:
    """When the pictures should end, in seconds of the stream's own clock; 0 where the file does not say."""
    tick = float(stream.time_base or 0)
    if stream.duration is not None:
        return (stream.duration + (stream.start_time or 0)) * tick
    if "DURATION" in stream.metadata:  # Matroska and WebM
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / av.time_base
    return 0.0


def _open(path: Path) -> InputContainer:
    if not path.exists():
        raise UserError(f"{path} does not exist")
    try:
        return av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise UserError(f"{path} cannot be read as a video: {error.strerror}") from error


def _picture(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise UserError(f"{path} holds no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise UserError(f"{path} holds a video stream of a format that cannot be decoded here")
    if stream.width * stream.height > MOST_PIXELS:
        raise UserError(
            f"{path} has frames of {stream.width}x{stream.height}, {stream.width * stream.height} pixels; "
            f"a frame may have {MOST_PIXELS}"
        )
    return stream


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps: float | int | Fraction) -> None:
    """Write frames as MP4, H.264 where PyAV was built with it, else MPEG-4; for looking at, since both are lossy.

    The file appears under its name when it is complete and not before. An odd width or height is made even by repeating
    the last column or row, as the codecs need.

    Args:
        path: ends in .mp4; a file already there is replaced.
        frames: RGB, (H, W, 3), of one size; taken one at a time.
        fps: frames a second.

    Raises:
        UserError: no frame, frames of several sizes, a rate that is not above 0, another suffix, or a file that cannot
            be written.

    """
    if path.suffix.lower() != ".mp4":
        raise UserError(f"{path}: videos are written as .mp4")
    if not 0 < fps < 1000:
        raise UserError(f"the frame rate is {fps}; it must be above 0 and below 1000 a second")
    with written_whole(path) as file:
        _encode(file, "mp4", frames, Fraction(fps).limit_denominator(1001))


def _encode(file: IO[bytes], kind: str, frames: Iterable[UInt8[np.ndarray, "h w 3"]], rate: Fraction) -> None:
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.pix_fmt = "yuv420p"
        size = None
        for index, frame in enumerate(frames):
            if size is None:
                size = frame.shape
                stream.height, stream.width = size[0] + size[0] % 2, size[1] + size[1] % 2
            if frame.shape != size:
                raise UserError(f"frame {index} is {frame.shape} and the first {size}; a video has one size")
            even = np.pad(frame, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        if size is None:
            raise UserError("a video needs one frame or more")
        container.mux(stream.encode())
