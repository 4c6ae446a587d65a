"""What the measurements of one card have in common, and each kind of measurement as the fields of a cell."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from bench.card.labels import labels_on_device
from bench.card.models import model_of, moving_picture
from bench.card.precision import tf32
from bench.card.profiles import profiled
from bench.card.speed import FULL_ROUND, OF_A_TRY, speed
from bench.measure.time.modes import Mode
from bench.measure.time.samples import CLIP_LENGTH
from bench.methods.names import UNTRAINED
from bench.runs.record_file import write_record
from bench.runs.records.environment import Environment
from bench.runs.records.peer import PeerRecord

CPU = torch.device("cpu")
PEER_ROUNDS = 7
Fields = dict[str, Any]
"""Fields of `bench.runs.records.card.CardCell`."""


@dataclass(frozen=True)
class RunAs:
    """A mode, and whether TF32 is allowed in it."""

    mode: Mode = field(default_factory=Mode)
    tf32: bool = False


FACTORS: Mapping[str, RunAs] = {
    "float32": RunAs(),
    "tf32": RunAs(tf32=True),
    "bfloat16": RunAs(Mode(amp="bfloat16")),
    "float16": RunAs(Mode(amp="float16")),
    "channels-last": RunAs(Mode(channels_last=True)),
    "cuda-graphs": RunAs(Mode(cuda_graphs=True)),
    "compile": RunAs(Mode(compile=True)),
}
"""Nothing, and then one factor at a time."""
OF_CUDA_ALONE = ("tf32", "float16", "cuda-graphs")


def factors(device: torch.device) -> list[str]:
    """The names of `FACTORS` that a device has."""
    return [name for name in FACTORS if device.type == "cuda" or name not in OF_CUDA_ALONE]


@dataclass(frozen=True)
class Subject:
    """A method with its frames' size and its classes."""

    method: str
    backbone: str
    size: tuple[int, int]
    num_classes: int

    def fields(self) -> Fields:
        """Itself in a cell."""
        return {
            "method": self.method,
            "backbone": self.backbone,
            "size": list(self.size),
            "num_classes": self.num_classes,
        }


@dataclass(frozen=True)
class Measuring:
    """The device, and the settings of one run of `card`."""

    device: torch.device
    folder: Path
    environment: Environment
    rounds: int
    seed: int
    is_try: bool
    """Whether frames are of another size than the tables', so that a short warm-up is enough."""

    def labels(self, subject: Subject) -> Fields:
        """Both kinds of frame on the CPU and on the device."""
        segmenter = model_of(subject.method, subject.backbone, subject.num_classes, seed=self.seed, device=CPU)
        frames = moving_picture(subject.size, 2, seed=self.seed, device=CPU)
        return {"labels": labels_on_device(segmenter, frames, self.device)}

    def speed(self, subject: Subject, run_as: RunAs) -> Fields:
        """By the paper's protocol."""
        frames = self._clip(subject.size)
        segmenter = self._model(subject)
        with tf32(run_as.tf32):
            found = speed(
                segmenter,
                subject.method,
                frames,
                run_as.mode,
                rounds=self.rounds,
                warmup=OF_A_TRY if self.is_try else FULL_ROUND,
                seed=self.seed,
            )
        words = "float32, TF32" if run_as.tf32 else run_as.mode.name
        return {**found, "mode": words}

    def profile(self, subject: Subject) -> Fields:
        """Both kinds of frame under the profiler."""
        folder = self.folder / f"profile-{subject.method}-{subject.backbone}"
        with tf32(False):
            found = profiled(
                self._model(subject),
                self._clip(subject.size),
                folder,
                self.device,
                configuration={**subject.fields(), "weights": f"{UNTRAINED}, of seed {self.seed}"},
                environment=self.environment,
            )
        return {"profile": found, "written": folder.name}

    def peer(self, backbone: str, size: tuple[int, int], num_classes: int) -> Fields:
        """Beside the `transformers` library, in float32 and in bfloat16."""
        from bench.measure.peer.compare import compare_with_peer  # here, where it is used

        with tf32(False):
            found = compare_with_peer(
                backbone=backbone,
                size=size,
                num_classes=num_classes,
                rounds=PEER_ROUNDS,
                device=self.device,
                mode=Mode(amp="bfloat16"),
                seed=self.seed,
            )
        file = self.folder / f"peer-{backbone}.json"
        write_record(file, msgspec.convert(found, PeerRecord))
        return {"written": file.name}

    def _model(self, subject: Subject) -> Any:
        return model_of(subject.method, subject.backbone, subject.num_classes, seed=self.seed, device=self.device)

    def _clip(self, size: tuple[int, int]) -> list[Tensor]:
        return _clip(size, self.seed, self.device)


@functools.lru_cache(maxsize=1)
def _clip(size: tuple[int, int], seed: int, device: torch.device) -> list[Tensor]:
    return moving_picture(size, CLIP_LENGTH, seed=seed, device=device)


Measure = Callable[[], Fields]
