"""The clips of a configuration, opened, with the measure on its held-out clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from bench.data import Dataset, open_dataset
from bench.train.configuration import FLOWNETS, DataConfig, TrainConfig
from bench.train.data import training_clips
from bench.train.flow_data import open_flow_clips
from bench.train.validation import end_point_error, video_miou
from mpvss.errors import UserError
from mpvss.training.pairs import TrainingClip


@dataclass(frozen=True)
class TrainingData:
    """What a run trains and validates on.

    Attributes:
        clips: to train on.
        class_names: the clips' classes; empty where a flow network is trained.
        measure: measures a model on the held-out clips, on a device.
        identities: what `train` and `validation` are, without paths of this machine.

    """

    clips: list[TrainingClip]
    class_names: tuple[str, ...]
    measure: Callable[[nn.Module, torch.device], dict[str, float]]
    identities: Mapping[str, str]


def open_training_data(config: TrainConfig) -> TrainingData:
    """Open what a configuration trains and validates on.

    Raises:
        UserError: as `open_dataset`; data without the labels or the ground-truth flow that training needs, or with
            other classes in validation than in training.

    """
    return _open_flow(config.data) if config.model.method == FLOWNETS else _open_labelled(config.data)


def _open_flow(data: DataConfig) -> TrainingData:
    clips, identity = open_flow_clips(data.train, data.cache_gb)
    held_out, held_out_identity = open_flow_clips(data.validation, data.cache_gb)

    def measure(model: nn.Module, device: torch.device) -> dict[str, float]:
        return end_point_error(model, held_out, data.max_distance, device)  # type: ignore[arg-type]

    return TrainingData(clips, (), measure, {"train": identity, "validation": held_out_identity})


def _open_labelled(data: DataConfig) -> TrainingData:
    training, validation = (
        open_dataset(spec, labels or None, data.classes or None)
        for spec, labels in ((data.train, data.train_labels), (data.validation, data.validation_labels))
    )
    class_names = _shared_classes(training, validation)
    training_clips(validation, with_flow=False, cache_gb=0.0)  # refused now, not when it is first needed

    def measure(model: nn.Module, device: torch.device) -> dict[str, float]:
        return video_miou(model, validation, data.interval, device)  # type: ignore[arg-type]

    clips: list[TrainingClip] = list(training_clips(training, with_flow=False, cache_gb=data.cache_gb))
    identities = {"train": training.identity, "validation": validation.identity}
    return TrainingData(clips, class_names, measure, identities)


def _shared_classes(training: Dataset, validation: Dataset) -> tuple[str, ...]:
    if training.num_classes is None or training.class_names != validation.class_names:
        raise UserError(
            f"training has {training.num_classes} classes and validation {validation.num_classes}; "
            "they must be the same, and known: give data.classes for a folder"
        )
    return training.class_names
