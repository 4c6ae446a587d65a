"""The configuration of a training run: three tables of a TOML file, each of which checks its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.methods.names import (
    ACCEL_BRANCHES,
    BACKBONES,
    CNNS,
    IMAGE_NETWORKS,
    METHODS,
    PER_FRAME,
    VIDEO_METHODS,
    branches,
)
from mpvss.checkpoints.imagenet import IMAGENET, lite0_file
from mpvss.errors import UserError
from mpvss.files import is_file
from mpvss.presets import FLOW_DESIGNS
from mpvss.training.augment import Augmentation
from mpvss.training.loop import LoopOptions
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.optimiser import OptimiserOptions
from mpvss.training.stills import StillMotion

FLOWNETS = "flownets"
CLIP_METHODS = ("cffm", "mrcfa", "mrcfa-16", "tcb")
"""Methods that are trained on clips of a frame and its references."""
ETC = "etc"
"""A loss for image networks on pairs of frames; what it trains is swept per frame."""
PAIR_METHODS = (ETC, "netwarp")
"""Trained on pairs of successive labelled frames."""
DEEPLAB = "deeplab"
"""The network of DFF and of Accel's branches as first published, trained on single frames."""
DVSNET_SEGMENTOR = "dvsnet-segmentor"
"""DVSNet's segmentation network, which is trained before the decision network."""
SINGLE_FRAMES = (PER_FRAME, DEEPLAB, DVSNET_SEGMENTOR)
"""Trained on single frames."""
TRAINABLE = (
    *(method for method in METHODS if method != "copy"),
    *VIDEO_METHODS,
    ETC,
    DEEPLAB,
    DVSNET_SEGMENTOR,
    FLOWNETS,
)
NOT_TRAINED = {"copy": "it has no weights of its own; train per-frame"}
"""Methods that are run and not trained here, and what to know of that."""
NEEDS_SEGMENTOR = (*FLOW_DESIGNS, "optical-flow", "dvsnet")
"""Methods whose segmentor stays frozen."""


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The method and its starting weights.

    Each checkpoint in `start` gives the parts it has; `imagenet` is the ImageNet backbone of lite0. `key_start` is for
    Accel's key branch, `update_start` for the update branch of Accel as first published, `flow_start` the frozen flow
    network of ETC's loss and of NetWarp.
    """

    method: str
    backbone: str
    start: tuple[str, ...] = ()
    start_classes: str = "same"
    """`same`: checkpoints have the data's classes; `fresh`: a class head for other classes is randomly initialised."""
    key_start: str = ""
    flow_start: str = ""
    update_start: str = ""

    def __post_init__(self) -> None:
        if self.method in NOT_TRAINED:
            raise UserError(f"model.method is {self.method!r}, which is not trained here: {NOT_TRAINED[self.method]}")
        if self.method not in TRAINABLE:
            raise UserError(f"model.method is {self.method!r}; it must be one of {', '.join(TRAINABLE)}")
        known = self._backbones()
        if self.backbone not in known:
            raise UserError(f"model.backbone is {self.backbone!r}; it must be one of {', '.join(known)}")
        if self.key_start and self.method != "accel":
            raise UserError(f"model.key_start is for Accel's key branch; {self.method} has none")
        if self.update_start and (self.method != "accel-original" or "+" not in self.backbone):
            raise UserError(
                "model.update_start is for the update branch of accel-original, on KEY+OTHER; "
                f"{self.method} on {self.backbone} has none"
            )
        if bool(self.flow_start) != (self.method in PAIR_METHODS):
            raise UserError(
                f"{' and '.join(PAIR_METHODS)} warp by a trained flow network: name one in model.flow_start, such as "
                "the model.safetensors of a flownets run, or RAFT's weights for a NetWarp of published size; no other "
                f"method takes it, and this is {self.method}"
            )
        if self.method in NEEDS_SEGMENTOR and not self.start:
            raise UserError(
                f"{self.method} keeps its segmentor frozen: name a trained one in model.start, "
                "such as the model.safetensors of a per-frame run"
            )
        if self.start_classes not in ("same", "fresh"):
            raise UserError(f"model.start_classes is {self.start_classes!r}; it must be same or fresh")
        if IMAGENET in self.start and self.backbone != "lite0":
            raise UserError(f"model.start has {IMAGENET}, which is a lite0; model.backbone is {self.backbone!r}")
        for name in self.checkpoints:
            if not is_file(checkpoint_file(name)):
                raise UserError(f"checkpoint {name} does not exist or is not a file")

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Every checkpoint that the run starts from, as the configuration names it."""
        return (*self.start, *filter(None, [self.key_start, self.flow_start, self.update_start]))

    def _backbones(self) -> tuple[str, ...]:
        """The backbones that the method can be trained with."""
        if self.method in VIDEO_METHODS:
            return VIDEO_METHODS[self.method]
        if self.method == ETC:
            return CNNS
        if self.method == DVSNET_SEGMENTOR:
            return VIDEO_METHODS["dvsnet"]
        if self.method == DEEPLAB:
            return ACCEL_BRANCHES
        return (*BACKBONES, *IMAGE_NETWORKS) if self.method == PER_FRAME else BACKBONES

    @property
    def branches(self) -> tuple[str, str | None]:
        """`backbone` and `key_backbone` of the method in the row of this backbone."""
        return branches(self.method, self.backbone)


def checkpoint_file(name: str) -> Path:
    """The file of a checkpoint that a configuration names; UserError where a package must be installed for it."""
    return lite0_file() if name == IMAGENET else Path(name)


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training and validation data (specs, as `bench.data.open_dataset` takes them), and the views of a frame."""

    train: str
    validation: str
    crop: tuple[int, int]
    train_labels: str = ""
    validation_labels: str = ""
    classes: int = 0
    """The number of classes, where the data does not say it; 0: the data says it."""
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    jitter: bool = True
    max_distance: int = 10
    pairs: str = "clips"
    """`clips`: a pair is two frames of a clip; `stills`: its key frame is made from the labelled frame alone."""
    moving: tuple[str, ...] = ()
    """With `stills`: the classes whose objects move by themselves; empty: every small region may."""
    interval: int = 5
    """Key-frame interval of validation."""
    cache_gb: float = 4.0
    """Memory for clips that can only be streamed."""
    workers: int = 0
    """Threads that make batches in advance; 0: each is made when it is needed."""

    def __post_init__(self) -> None:
        for name, least in (("classes", 0), ("max_distance", 1), ("interval", 1), ("cache_gb", 0), ("workers", 0)):
            if not least <= getattr(self, name) < math.inf:
                raise UserError(f"data.{name} is {getattr(self, name)}; it must be {least} or more")
        if self.pairs not in ("clips", "stills"):
            raise UserError(f"data.pairs is {self.pairs!r}; it must be clips or stills")
        if self.moving and self.pairs != "stills":
            raise UserError('data.moving is for data.pairs = "stills"; in clips objects move by themselves')
        _ = self.augmentation

    def stills(self, class_names: Sequence[str]) -> StillMotion | None:
        """How key frames are made from stills, for data with these classes; None where pairs are clips."""
        if self.pairs != "stills":
            return None
        for name in self.moving:
            if name not in class_names:
                raise UserError(f"data.moving names {name!r}; the data's classes are {', '.join(class_names)}")
        return StillMotion(tuple(class_names.index(name) for name in self.moving) or None)

    @property
    def augmentation(self) -> Augmentation:
        """The random views of a frame."""
        return Augmentation(crop=self.crop, scale=self.scale, flip=self.flip, jitter=self.jitter)


class TrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Length and optimiser of a run; `batch` is over all processes. See `LoopOptions` and `OptimiserOptions`."""

    steps: int
    batch: int
    lr: float = 5e-5
    weight_decay: float = 0.05
    backbone_lr_factor: float = 1.0
    power: float = 0.9
    clip_norm: float = 0.01
    points: int = 12544
    precision: str = "float32"
    seed: int = 0
    log_every: int = 20
    validate_every: int = 5000
    checkpoint_every: int = 1000

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UserError(f"training.batch is {self.batch}; it must be 1 or more")
        _ = self.loop, SegmentationCriterion(points=self.points)

    @property
    def loop(self) -> LoopOptions:
        """The options of the training loop."""
        return LoopOptions(
            steps=self.steps,
            optimiser=OptimiserOptions(
                lr=self.lr,
                weight_decay=self.weight_decay,
                backbone_lr_factor=self.backbone_lr_factor,
                power=self.power,
                clip_norm=self.clip_norm,
            ),
            precision=self.precision,  # type: ignore[arg-type]
            seed=self.seed,
            log_every=self.log_every,
            validate_every=self.validate_every,
            checkpoint_every=self.checkpoint_every,
        )


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole configuration."""

    model: ModelConfig
    data: DataConfig
    training: TrainingConfig

    def __post_init__(self) -> None:
        without_key_frames = (*SINGLE_FRAMES, *CLIP_METHODS, *PAIR_METHODS, FLOWNETS)
        if self.data.pairs == "stills" and self.model.method in without_key_frames:
            raise UserError(f'data.pairs = "stills" is for methods that propagate; {self.model.method} does not')
