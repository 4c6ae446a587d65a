"""The pictures of a clip: a strip of predictions and, where MPVSS and optical flow are there, a query's flow."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from baselines.flownets import FlowNetS
from baselines.optical_flow import OpticalFlow
from bench.data import Clip, Frame
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import as_tensor, run_video
from bench.pictures.flow_picture import draw_flow, query_motion
from bench.pictures.strip import Column, draw_strip
from bench.plotting import figure_bytes, styled
from bench.runs.files import file_name, make_folder
from bench.runs.lease import sole_writer
from mpvss.errors import UserError
from mpvss.files import written_whole
from mpvss.propagation import MPVSS
from mpvss.video import VideoSegmenter


def draw_pictures(
    out: Path,
    *,
    clip: Clip,
    indices: Sequence[int],
    schedule: FixedInterval,
    segmenters: Mapping[str, VideoSegmenter],
    class_names: Sequence[str],
    palette: np.ndarray,
    device: torch.device,
) -> list[Path]:
    """Write the strip of a clip and, where MPVSS and optical flow are among the methods, the flow; the files.

    Args:
        out: folder of the pictures; made where it is missing.
        clip: what is drawn.
        indices: of the frames that are drawn, from 0.
        schedule: which frames are key frames.
        segmenters: methods by their titles, on the device.
        class_names: of each class.
        palette: uint8 (C, 3), a colour for each class.
        device: where the methods are.

    Raises:
        UserError: a frame that the clip does not have, a file that cannot be written, or a folder that another process
            writes in.
    """
    frames = _frames(clip, indices)
    columns = [
        Column(index, schedule.key_of(index), frames[index].image, frames[index].labels, {}) for index in indices
    ]
    for title, segmenter in segmenters.items():
        found = [labels for _, _, labels in run_video(segmenter, frames, schedule, device)]
        for column in columns:
            column.predictions[title] = found[column.index]
    make_folder(out)
    with sole_writer(out), styled():
        strip = draw_strip(columns, class_names, palette)
        files = [_save(strip, out / f"strip-{file_name(clip.name.replace('/', '-'))}.png")]
        propagated = [index for index in indices if not schedule.is_key(index)]
        if propagated:
            last = propagated[-1]
            files += _flow(out, segmenters.values(), clip, frames, schedule.key_of(last), last, device)
    return files


def _frames(clip: Clip, wanted: Sequence[int]) -> list[Frame]:
    """The clip's frames up to the last one wanted."""
    if min(wanted) < 0:
        raise UserError(f"frames holds {min(wanted)}; frames are counted from 0")
    frames = list(islice(clip.frames(), max(wanted) + 1))
    if max(wanted) >= len(frames):
        raise UserError(f"frames holds {max(wanted)}; clip {clip.name} has frames 0 to {len(frames) - 1}")
    return frames


def _flow(
    out: Path,
    segmenters: Collection[VideoSegmenter],
    clip: Clip,
    frames: list[Frame],
    key: int,
    index: int,
    device: torch.device,
) -> list[Path]:
    """The picture of the flow from frame `index` to its key frame, where both kinds of flow are there."""
    mpvss = next((s for s in segmenters if isinstance(s, MPVSS) and s.motion.fuse is not None), None)
    flows = (s.flow for s in segmenters if isinstance(s, OpticalFlow))
    flownets = next((flow for flow in flows if isinstance(flow, FlowNetS)), None)
    if mpvss is None or flownets is None:
        return []
    key_image, image = (as_tensor(frames[i].image, device) for i in (key, index))
    motion = query_motion(mpvss, flownets, key_image, image)
    ground_truth_flow = None if clip.flow is None else clip.flow(index, key)[0]
    figure = draw_flow(motion, frames[key].image, frames[index].image, ground_truth_flow, (key, index))
    return [_save(figure, out / f"flow-{file_name(clip.name.replace('/', '-'))}.png")]


def _save(figure: Figure, file: Path) -> Path:
    """Write a PNG of 5 bits a channel: the others hold a camera's noise, and half of the file would be theirs."""
    with Image.open(io.BytesIO(figure_bytes(figure, "png"))) as picture, written_whole(file) as opened:
        coarse = picture.convert("RGB").point([v & 0xF8 | v >> 5 for v in range(256)] * 3)
        coarse.save(opened, format="png", optimize=True)
    return file
