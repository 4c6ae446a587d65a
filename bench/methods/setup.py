"""What every command that runs methods needs, made once: device, threads, data, weights and the builder of methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from baselines.dis import require_opencv
from bench.data import Clip, Dataset, colour_map, open_dataset
from bench.data.limit import limit
from bench.methods.builder import Builder, Built, registry_builder
from bench.methods.device import select_device, set_threads
from bench.methods.hub import HUB, fetch
from bench.methods.image_networks import FORMATS
from bench.methods.names import (
    BACKBONES,
    BUILT_METHODS,
    DIS_FLOW,
    GROUND_TRUTH_FLOW,
    METHODS,
    backbone_names,
    brings_weights,
    check_names,
    flow_network,
    is_rival,
    known_methods,
    method_of,
)
from bench.methods.registry import have_no_key_frames
from bench.methods.weights import Checkpoint, Weights
from mpvss.checkpoints import read_num_classes
from mpvss.errors import UserError
from mpvss.presets import Execution

ALL = "all"
"""In a list of methods or backbones: all that the project has."""
CITYSCAPES_CLASSES = 19
SHIPPED = "shipped"
"""Among weights: those that come with the project."""


@dataclass(frozen=True)
class Setup:
    """Methods can be built and run with it.

    Attributes:
        rows: METHOD or METHOD@LABEL, each known and available with every backbone.
        backbones: names of backbones.
        dataset: the frames to run on.
        num_classes: how many classes they have.
        weights: the checkpoint of each row.
        device: where methods run.
        build: makes methods of a backbone ready to run.

    """

    rows: tuple[str, ...]
    backbones: tuple[str, ...]
    dataset: Dataset
    num_classes: int
    weights: Weights
    device: torch.device
    build: Builder

    @property
    def without_key_frames(self) -> tuple[str, ...]:
        """The rows to which a key-frame interval means nothing."""
        return have_no_key_frames(self.rows, self.backbones[0], self.num_classes)

    @property
    def palette(self) -> np.ndarray:
        """A colour for each class, uint8 (C, 3)."""
        return self.dataset.palette if len(self.dataset.palette) else colour_map(self.num_classes)

    @property
    def only_clip(self) -> Clip:
        """The one clip of the data; UserError where there are several."""
        if len(self.dataset.clips) != 1:
            names = ", ".join(clip.name for clip in self.dataset.clips[:5])
            raise UserError(f"{self.dataset.name} holds {len(self.dataset.clips)} clips ({names}, …); give one of them")
        return self.dataset.clips[0]

    def clip(self, index: int) -> Clip:
        """A clip of the data by its number, from 0; UserError where there is none."""
        if not 0 <= index < len(self.dataset.clips):
            raise UserError(f"clip is {index}; {self.dataset.name} has clips 0 to {len(self.dataset.clips) - 1}")
        return self.dataset.clips[index]

    def check_weights(self) -> None:
        """Build every row that has a checkpoint, so that one that does not fit is refused before any work.

        Raises:
            UserError: a checkpoint that does not fit.
        """
        for row, backbone in self.weights.pairs(self.rows, self.backbones):
            self.build([row], backbone)

    def build_all(self, backbone: str) -> Built:
        """Every row with one backbone; the first error where one cannot be built."""
        built = self.build(self.rows, backbone)
        for error in built.failed.values():
            raise error
        return built


def set_up(
    *,
    methods: Sequence[str],
    backbones: Sequence[str],
    data: str,
    labels: str | None = None,
    classes: int | None = None,
    clips: int | None = None,
    frames: int | None = None,
    size: tuple[int, int] | None = None,
    weights: Sequence[str] = (),
    execution: Execution = "lean",
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
    ground_truth_flow: bool = True,
    classes_of_weights: bool = False,
) -> Setup:
    """Open the data, choose the device, and prepare the builder.

    Args:
        methods: METHOD or METHOD@LABEL, or `all`.
        backbones: names, or `all`.
        data: as `open_dataset` takes it.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        clips: use the first so many clips; None: all.
        frames: use the first so many frames of each clip; None: all.
        size: height and width that frames are made at or resized to; None: as they are.
        weights: as `parse_weights` takes them; without any, weights are random.
        execution: the graph.
        seed: of random weights.
        device: `cpu` or `cuda`.
        threads: of the CPU; None: as torch chooses.
        ground_truth_flow: whether the ceiling `ground-truth-flow` is allowed among the methods.
        classes_of_weights: where neither the data nor `classes` says how many classes there are, take those of the
            first checkpoint, or 19 (Cityscapes) without one.

    Raises:
        UserError: a name that is not known, data that cannot be opened, a device that is not there.
    """
    rows = METHODS if list(methods) == [ALL] else check_rows(methods, ground_truth_flow=ground_truth_flow)
    names = BACKBONES if list(backbones) == [ALL] else backbone_names(backbones, rows)
    checkpoints = parse_weights(weights, rows, names)
    place = select_device(device)
    set_threads(threads)
    dataset = limit(open_dataset(data, labels, classes, size), clips, frames)
    num_classes = dataset.num_classes
    if num_classes is None and classes_of_weights:
        num_classes = _classes_of(checkpoints, rows, names)
    if num_classes is None:
        raise UserError(f"{data} does not say how many classes there are; give the number of classes")
    checkpoints.check_classes(num_classes)
    build = registry_builder(num_classes=num_classes, device=place, execution=execution, seed=seed, weights=checkpoints)
    return Setup(rows, names, dataset, num_classes, checkpoints, place, build)


def _classes_of(weights: Weights, rows: Sequence[str], backbones: Sequence[str]) -> int:
    for row, backbone in weights.pairs(rows, backbones):
        file = weights.file(row, backbone)
        if brings_weights(backbone) or method_of(row) not in BUILT_METHODS:
            continue  # the file is in whatever form the package that reads it chose
        found = None if file is None else read_num_classes(file, *FORMATS)
        if found is not None:
            return found
    return CITYSCAPES_CLASSES


def check_rows(rows: Sequence[str], *, ground_truth_flow: bool) -> tuple[str, ...]:
    """The rows, METHOD or METHOD@LABEL, as they are.

    Raises:
        UserError: a method that is not known, or whose library is not installed.
    """
    known = (*known_methods(), *([GROUND_TRUTH_FLOW] if ground_truth_flow else []))
    methods = check_names(map(method_of, rows), known, "method")
    if DIS_FLOW in methods:
        require_opencv()
    return tuple(rows)


def parse_weights(texts: Sequence[str], rows: Sequence[str], backbones: Sequence[str]) -> Weights:
    """The checkpoints that texts name.

    BACKBONE=FILE, BACKBONE/METHOD[@LABEL]=FILE    of a backbone's rows, or of one row
    FILE                                           … where there is one backbone
    BACKBONE=hub:ORG/NAME[@REVISION]               as with a file, from the hub of the `transformers` library
    flownets=FILE, raft=FILE                       of the flow network of every row that has it
    shipped                                        those that come with the project

    Raises:
        UserError: a name that is not asked for, a file that is not there, a model of the hub that does not fit.
    """
    files: dict[str, Path | Checkpoint] = {}
    flows: dict[str, Path] = {}
    for text in texts:
        if text == SHIPPED:
            continue
        key, equals, file = text.partition("=")
        if not equals:
            if len(backbones) != 1:
                raise UserError(f"weights {text}: there are several backbones; write BACKBONE={text}")
            key, file = backbones[0], text
        networks = {flow_network(method_of(row), backbone) for row in rows for backbone in backbones} - {None}
        known = (*backbones, *(f"{backbone}/{row}" for backbone in backbones for row in rows), *networks)
        if key not in known:
            raise UserError(f"weights {text}: {key} is not in this sweep")
        if file.startswith(HUB):
            files[key] = fetch(file, key.partition("/")[0])
        elif not Path(file).is_file():
            raise UserError(f"weights {text}: {file} is not a file")
        elif key in networks:
            flows[key] = Path(file)
        else:
            files[key] = Path(file)
    rivals = any(map(is_rival, backbones))
    return Weights(files, shipped=SHIPPED in texts, flows=flows, rivals=rivals)
