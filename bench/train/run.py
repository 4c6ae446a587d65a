"""`mpvss-bench train`: from a configuration to trained weights."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from baselines.flownets import FlowNetS
from bench.data import Dataset, open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import as_tensor, run_video
from bench.methods.device import select_device, set_threads
from bench.metrics import confusion_matrix, mean_iou
from bench.runs.progress import Progress
from bench.train.configuration import FLOWNETS, TrainConfig, read_config
from bench.train.data import Ahead, training_clips
from bench.train.flow_data import open_flow_clips
from bench.train.model import make_model, make_task
from bench.train.record import RECORD, TrainingRecord
from mpvss.checkpoints import save_checkpoint
from mpvss.errors import UserError
from mpvss.motion.encoder import stack_pair
from mpvss.training.distributed import joined_processes
from mpvss.training.loop import Hooks, Row, train
from mpvss.training.pairs import Sampler, TrainingClip
from mpvss.video import VideoSegmenter

Opened = tuple[
    list[TrainingClip], tuple[str, ...], Callable[[nn.Module, torch.device], dict[str, float]], dict[str, str]
]
"""Clips, their classes (none where flow is learned), the measure on held-out clips, and the identities of both."""
MODEL = "model.safetensors"


def run_train(args: argparse.Namespace) -> int:
    """Train, and write the weights and the history."""
    config = read_config(args.config, args.set)
    set_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    with joined_processes(select_device(args.device)) as process:
        flow_alone = config.model.method == FLOWNETS
        clips, class_names, measure_on, identities = _open_flow(config) if flow_alone else _open_labelled(config)
        stills = config.data.stills(class_names)
        progress = Progress(None if process.rank == 0 else io.StringIO())  # the first process speaks for all
        model, configuration = make_model(config.model, len(class_names) or 1, config.training.seed, progress.say)
        task = make_task(model, config.training.points)
        sampler = Sampler(
            clips,
            config.data.augmentation,
            None if config.model.method == "per-frame" else config.data.max_distance,
            config.training.seed,
            with_flow=flow_alone,
            stills=stills,
        )
        share = process.share(config.training.batch)
        data = Ahead(lambda step: sampler.batch(step, share), config.data.workers, config.training.steps)
        record = TrainingRecord(args.out, config, identities, process.device)

        def begin(steps_done: int) -> None:
            stage.skip(steps_done)
            if process.rank == 0:
                record.begin(steps_done)

        def keep(history: Sequence[Row]) -> None:
            record.keep(history)
            progress.say(_text(history[-1]))

        try:
            with progress.stage("train", config.training.steps, "steps") as stage:
                train(
                    task,
                    data,
                    config.training.loop,
                    Hooks(
                        validate=lambda: measure_on(model, process.device),
                        resume=begin,
                        advance=stage.advance,
                        log=keep,
                    ),
                    folder=args.out,
                    process=process,
                    identity=_identity(config, identities),
                )
        finally:
            data.close()
        if process.rank == 0:
            whole = nn.ModuleDict({"flow": model}) if flow_alone else model
            save_checkpoint(whole, args.out / MODEL, configuration)
            record.finish(config.training.steps)
            progress.say(f"done: {args.out / MODEL}, {args.out / RECORD}")
    return 0


def video_miou(model: VideoSegmenter, dataset: Dataset, interval: int, device: torch.device) -> dict[str, float]:
    """`miou` (0..1) over all labelled frames of a data set, key frames at every `interval`-th frame."""
    assert dataset.num_classes is not None, "training data knows its classes"
    confusion = np.zeros((dataset.num_classes, dataset.num_classes), np.int64)
    for clip in dataset.clips:
        for frame, _, labels in run_video(model, clip.frames(), FixedInterval(interval), device):
            if frame.labels is not None:
                confusion += confusion_matrix(frame.labels, labels, dataset.num_classes)
    value = mean_iou(confusion)
    return {} if value is None else {"miou": value}


def end_point_error(
    network: FlowNetS, clips: Sequence[TrainingClip], max_distance: int, device: torch.device
) -> dict[str, float]:
    """`epe`: the mean end-point error in pixels of the frame, over every distance to the key frame in turn."""
    total = count = 0.0
    for clip in clips:
        for index in filter(None, clip.labelled):
            key = max(index - 1 - (index - 1) % max_distance, 0)
            known = clip.flow(index, key)
            assert known is not None
            truth = torch.from_numpy(known[0])
            frame, key_frame = (as_tensor(clip.frame(at)[0], device)[None] for at in (index, key))
            with torch.inference_mode():
                pair = stack_pair(frame, key_frame)
                flow = network.flow(frame[0], key_frame[0])
                size = (2 * pair.shape[2], 2 * pair.shape[3])
                enlarged = nn.functional.interpolate(flow, size, mode="bilinear", align_corners=False)[0].cpu()
            enlarged = enlarged * (size[1] / flow.shape[3])
            error = (enlarged[:, : truth.shape[1], : truth.shape[2]] - truth).norm(dim=0)
            error = error[error.isfinite()]
            total, count = total + float(error.sum()), count + error.numel()
    return {"epe": total / count} if count else {}


def _open_flow(config: TrainConfig) -> Opened:
    """Clips with ground-truth flow, and the measure on held-out ones."""
    clips, identity = open_flow_clips(config.data.train, config.data.cache_gb)
    held_out, held_out_identity = open_flow_clips(config.data.validation, config.data.cache_gb)

    def measure(model: nn.Module, device: torch.device) -> dict[str, float]:
        assert isinstance(model, FlowNetS)
        return end_point_error(model, held_out, config.data.max_distance, device)

    return clips, (), measure, {"train": identity, "validation": held_out_identity}


def _open_labelled(config: TrainConfig) -> Opened:
    """Clips with labels, how many classes they have, and the measure on held-out ones."""
    data = config.data
    training, validation = (
        open_dataset(spec, labels or None, data.classes or None)
        for spec, labels in ((data.train, data.train_labels), (data.validation, data.validation_labels))
    )
    class_names = _shared_classes(training, validation)
    training_clips(validation, with_flow=False, cache_gb=0.0)  # refused now, not when it is first needed

    def measure(model: nn.Module, device: torch.device) -> dict[str, float]:
        return video_miou(model, validation, data.interval, device)  # type: ignore[arg-type]

    clips: list[TrainingClip] = list(training_clips(training, with_flow=False, cache_gb=data.cache_gb))
    return clips, class_names, measure, {"train": training.identity, "validation": validation.identity}


def _shared_classes(training: Dataset, validation: Dataset) -> tuple[str, ...]:
    if training.num_classes is None or training.class_names != validation.class_names:
        raise UserError(
            f"training has {training.num_classes} classes and validation {validation.num_classes}; "
            "they must be the same, and known: give data.classes for a folder"
        )
    return training.class_names


def _identity(config: TrainConfig, identities: Mapping[str, str]) -> str:
    """What must not change when a run goes on: all but where the data lies and how it is fetched."""
    tables = asdict(config)
    tables["data"] |= identities
    for name in ("workers", "cache_gb", "train_labels", "validation_labels"):
        del tables["data"][name]
    return json.dumps(tables, sort_keys=True)


def _text(row: Row) -> str:
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "step")
    return f"step {row['step']:.0f}: {numbers}"
