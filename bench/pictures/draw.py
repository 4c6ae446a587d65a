"""From the arguments of `mpvss-bench strip` to its pictures."""

from __future__ import annotations

import argparse
import io
from itertools import islice
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image

from baselines.optical_flow import OpticalFlow
from bench.cli.main import known_names
from bench.data import Clip, Frame, colour_map, open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import as_tensor, run_video
from bench.methods.builder import Built, registry_builder
from bench.methods.device import select_device, set_threads
from bench.methods.names import UNTRAINED, backbone_names, known_methods, method_of
from bench.pictures.flow_picture import draw_flow, query_motion
from bench.pictures.strip import Column, draw_strip
from bench.plotting import figure_bytes, styled
from bench.runs.progress import Progress
from bench.runs.results import file_name
from bench.sweep.run import parse_weights
from bench.sweep.sweep import Grid
from mpvss.errors import UserError
from mpvss.propagation import MPVSS


def draw_pictures(args: argparse.Namespace) -> int:
    """Draw the strip and, where MPVSS and optical flow are asked for, the flow."""
    known_names(map(method_of, args.methods), known_methods(), "method")
    (backbone,) = backbone_names([args.backbone], args.methods)
    schedule = FixedInterval(args.interval)
    weights = parse_weights(args.weights, Grid(tuple(args.methods), (backbone,), (args.interval,)))
    device = select_device(args.device)
    set_threads(args.threads)
    dataset = open_dataset(args.data, args.labels, args.classes)
    if dataset.num_classes is None:
        raise UserError(f"{args.data} does not say how many classes there are; give --classes")
    if not 0 <= args.clip < len(dataset.clips):
        raise UserError(f"--clip is {args.clip}; {args.data} has clips 0 to {len(dataset.clips) - 1}")
    clip = dataset.clips[args.clip]
    frames = _frames(clip, args.frames)
    build = registry_builder(
        num_classes=dataset.num_classes, device=device, execution="lean", seed=args.seed, weights=weights
    )
    built = build(args.methods, backbone)
    for error in built.failed.values():
        raise error
    columns = [
        Column(index, schedule.key_of(index), frames[index].image, frames[index].labels, {}) for index in args.frames
    ]
    for row, segmenter in built.segmenters.items():
        found = [labels for _, _, labels in run_video(segmenter, frames, schedule, device)]
        for column in columns:
            column.predictions[_title(row, built)] = found[column.index]
    palette = dataset.palette if len(dataset.palette) else colour_map(dataset.num_classes)
    args.out.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    with styled():
        strip = draw_strip(columns, dataset.class_names, palette)
        files = [_save(strip, args.out / f"strip-{file_name(clip.name.replace('/', '-'))}.png")]
        propagated = [index for index in args.frames if not schedule.is_key(index)]
        if propagated:
            files += _flow(args.out, built, clip, frames, schedule.key_of(propagated[-1]), propagated[-1], device)
    for file in files:
        progress.say(str(file))
    return 0


def _frames(clip: Clip, wanted: list[int]) -> list[Frame]:
    """The clip's frames up to the last one wanted."""
    if min(wanted) < 0:
        raise UserError(f"--frames holds {min(wanted)}; frames are counted from 0")
    frames = list(islice(clip.frames(), max(wanted) + 1))
    if max(wanted) >= len(frames):
        raise UserError(f"--frames holds {max(wanted)}; clip {clip.name} has frames 0 to {len(frames) - 1}")
    return frames


def _flow(
    out: Path, built: Built, clip: Clip, frames: list[Frame], key: int, index: int, device: torch.device
) -> list[Path]:
    """The picture of the flow from frame `index` to its key frame, where both kinds of flow are there."""
    mpvss = next((s for s in built.segmenters.values() if isinstance(s, MPVSS) and s.motion.fuse is not None), None)
    optical = next((s for s in built.segmenters.values() if isinstance(s, OpticalFlow)), None)
    if mpvss is None or optical is None:
        return []
    key_image, image = (as_tensor(frames[i].image, device) for i in (key, index))
    motion = query_motion(mpvss, optical.flow, key_image, image)
    ground_truth_flow = None if clip.flow is None else clip.flow(index, key)[0]
    figure = draw_flow(motion, frames[key].image, frames[index].image, ground_truth_flow, (key, index))
    return [_save(figure, out / f"flow-{file_name(clip.name.replace('/', '-'))}.png")]


def _save(figure: Figure, file: Path) -> Path:
    """Write a PNG of 5 bits a channel: the others hold a camera's noise, and half of the file would be theirs."""
    with Image.open(io.BytesIO(figure_bytes(figure, "png"))) as picture:
        picture.convert("RGB").point([v & 0xF8 | v >> 5 for v in range(256)] * 3).save(file, optimize=True)
    return file


def _title(row: str, built: Built) -> str:
    return f"{row}, {UNTRAINED}" if UNTRAINED in built.weights[row] else row
