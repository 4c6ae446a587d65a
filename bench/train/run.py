"""From a configuration to trained weights."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import nn

from baselines.clips.sampling import SUCCESSIVE, ClipSampler
from bench.runs.files import make_folder
from bench.runs.lease import sole_writer
from bench.runs.progress import Progress
from bench.train.configuration import CLIP_METHODS, FLOWNETS, PAIR_METHODS, SINGLE_FRAMES, TrainConfig
from bench.train.data import Ahead
from bench.train.model import as_saved, make_flow, make_model, make_task
from bench.train.record import RECORD, TrainingFiles
from bench.train.training_data import TrainingData, open_training_data
from bench.train.validation import last_validation
from mpvss.checkpoints import save_checkpoint
from mpvss.errors import UserError
from mpvss.training.distributed import Process, joined_processes
from mpvss.training.loop import Hooks, Row
from mpvss.training.loop import train as run_loop
from mpvss.training.pairs import Sampler

MODEL = "model.safetensors"


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        weights: the checkpoint, which methods load.
        steps: how many steps are behind it.
        validation: what the last validation found, such as `miou`; empty where there was none.

    """

    weights: Path
    steps: int
    validation: Mapping[str, float]


def train(
    config: TrainConfig,
    out: Path,
    device: torch.device,
    progress: Progress | None = None,
    *,
    command: str = "bench.train.run.train",
) -> Trained:
    """Train, and write the weights, the record and the history to the folder `out`.

    A stopped run resumes from the checkpoint in `out` and ends with the weights it would have had uninterrupted. Under
    torchrun, each process calls this; all validate, and the first one speaks and writes. `command` is what the record
    names as the command.

    Raises:
        UserError: data or checkpoints that do not fit the configuration, a folder whose run has another one, or that
            another process writes in.

    """
    make_folder(out)
    with joined_processes(device) as process, nullcontext() if process.rank else sole_writer(out):
        data = open_training_data(config)
        if progress is None or process.rank:
            progress = Progress(io.StringIO() if process.rank else None)
        model, header = make_model(config.model, len(data.class_names) or 1, config.training.seed, progress.say)
        record = TrainingFiles(out, config, data.identities, process.device, command)
        history = _run(config, out, data, model, record, process, progress)
        weights = out / MODEL
        if process.rank == 0:
            save_checkpoint(as_saved(config.model.method, model), weights, header)
            record.finish(config.training.steps)
            progress.say(f"done: {weights}, {out / RECORD}")
        return Trained(weights, config.training.steps, last_validation(history))


def _run(
    config: TrainConfig,
    out: Path,
    data: TrainingData,
    model: nn.Module,
    record: TrainingFiles,
    process: Process,
    progress: Progress,
) -> list[Row]:
    """The steps of the run that are not done yet; the whole history."""
    share = process.share(config.training.batch)
    if len(share) == 1 and any(isinstance(part, nn.AdaptiveAvgPool2d) for part in model.modules()):
        raise UserError(
            f"training.batch {config.training.batch} is one example for each process; {config.model.backbone} pools a "
            "frame to a single pixel, and the batch norm after that needs two or more"
        )
    sampler = _sampler(config, data)
    batches = Ahead(lambda step: sampler.batch(step, share), config.data.workers, config.training.steps)

    def begin(steps_done: int) -> None:
        stage.skip(steps_done)
        if process.rank == 0:
            record.begin(steps_done)

    def log(history: Sequence[Row]) -> None:
        record.keep(history)
        progress.say(_text(history[-1]))

    try:
        with progress.stage("train", config.training.steps, "steps") as stage:
            return run_loop(
                make_task(model, config.training.points, make_flow(config.model, config.training.seed)),
                batches,
                config.training.loop,
                Hooks(
                    validate=lambda: data.measure(model, process.device),
                    resume=begin,
                    say=progress.say,
                    advance=stage.advance,
                    log=log,
                ),
                folder=out,
                process=process,
                identity=_identity(config, data.identities),
            )
    finally:
        batches.close()


def _sampler(config: TrainConfig, data: TrainingData) -> Sampler | ClipSampler:
    if config.model.method in CLIP_METHODS:
        return ClipSampler(data.clips, config.data.augmentation, config.training.seed)
    if config.model.method in PAIR_METHODS:
        return ClipSampler(data.clips, config.data.augmentation, config.training.seed, SUCCESSIVE, reverse=False)
    return Sampler(
        data.clips,
        config.data.augmentation,
        None if config.model.method in SINGLE_FRAMES else config.data.max_distance,
        config.training.seed,
        with_flow=config.model.method == FLOWNETS,
        stills=config.data.stills(data.class_names),
    )


def _identity(config: TrainConfig, identities: Mapping[str, str]) -> str:
    """What must not change when a run resumes: all but where the data lies and how it is fetched."""
    tables = msgspec.to_builtins(config)
    tables["data"] |= identities
    for name in ("workers", "cache_gb", "train_labels", "validation_labels"):
        del tables["data"][name]
    return json.dumps(tables, sort_keys=True)


def _text(row: Row) -> str:
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "step")
    return f"step {row['step']:.0f}: {numbers}"
