"""Speed and memory beside the `transformers` library's Mask2Former: the same network, the same weights, one run.

The peer is its model of the same configuration, followed by enlarging the masks, sigmoid, product with the class
probabilities and argmax. Needs the extra `peer`.
"""

from __future__ import annotations

import copy
import multiprocessing
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from statistics import median
from typing import Any

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.measure.environment import describe_environment
from bench.measure.memory import peak_memory
from bench.measure.peer.model import SWINS, Peer
from bench.measure.time.modes import Mode, Steps, prepare
from bench.methods import build
from bench.runs.records.base import schema_of
from bench.runs.records.peer import PeerRecord
from mpvss.checkpoints import load_checkpoint
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.propagation import MPVSS
from mpvss.video import VideoSegmenter

WARMUP_ROUNDS = 2
SUBJECTS = ("peer", "key", "non-key")
"""The peer's frame, a key frame of MPVSS and another of its frames."""

Run = Callable[[], Tensor]
"""A frame, from the device to its label map on the host."""


def compare_with_peer(
    *,
    backbone: str,
    size: tuple[int, int],
    num_classes: int,
    rounds: int,
    device: torch.device,
    mode: Mode,
    seed: int = 0,
) -> dict[str, Any]:
    """Time key and non-key frames of MPVSS beside the peer, interleaved in random order, and measure peak memory.

    Both are run as they are and, where `mode` is another, in that too. The fields of the result are described in
    `results/README.md`.
    """
    if backbone not in SWINS:
        raise UserError(f"the peer is built with {', '.join(SWINS)}; not with {backbone!r}")
    if rounds < 1:
        raise UserError(f"rounds is {rounds}; it must be 1 or more")
    mode.check(device)
    torch.manual_seed(seed)
    peer = Peer(backbone, num_classes).eval()
    lean, published = (_ours(backbone, num_classes, execution, peer).to(device) for execution in ("lean", "paper"))
    peer.to(device)
    frames = [frame.to(device) for frame in _frames(size, seed)]
    modes = {each.name: each for each in (Mode(), mode)}
    runs: dict[tuple[str, str], Run] = {}
    preparing: dict[str, float | None] = {}
    for name, each in modes.items():
        (of_peer, first), (ours, second) = (
            prepare(copy.deepcopy(model), "labels", each, frames) for model in (peer, lean)
        )
        preparing[name] = None if first is None or second is None else first + second
        runs |= {(name, subject): run for subject, run in _runs(of_peer, ours, frames, each, device).items()}
    samples = _interleave(runs, rounds, seed)
    labels = {key: run() for key, run in runs.items()}
    with torch.inference_mode():
        key, state = published.segment(frames[0])
        references = {"key": key, "non-key": published.propagate(frames[1], state)[0]}
        unlike = _Unlike({kind: prediction.scores().cpu() for kind, prediction in references.items()})
    plain = Mode().name
    for kind, reference in references.items():
        unlike.add(plain, kind, "published graph", labels[plain, kind], reference.labels().cpu())
    for name in modes:
        unlike.add(name, "key", "peer", labels[name, "key"], labels[name, "peer"])
        if name != plain:
            for kind in references:
                unlike.add(name, kind, plain, labels[name, kind], labels[plain, kind])
    memory = {name: _in_new_process(name, backbone, size, num_classes, device.type) for name in ("peer", "key")}
    shown = labels[plain, "key"].flatten().long().bincount()
    return {
        "schema": schema_of(PeerRecord),
        "configuration": {
            "backbone": backbone,
            "size": list(size),
            "num_classes": num_classes,
            "seed": seed,
            "device": device.type,
        },
        "environment": msgspec.to_builtins(describe_environment(device)),
        "labels": {
            "pixels": int(shown.sum()),
            "classes": int((shown > 0).sum()),
            "most_common_share": float(shown.max() / shown.sum()),
        },
        "modes": [
            {
                "name": name,
                **asdict(each),
                "compile_seconds": preparing[name],
                "samples_s": (of_mode := {subject: samples[name, subject] for subject in SUBJECTS}),
                "median_s": {subject: median(times) for subject, times in of_mode.items()},
                "ratio_to_peer": {kind: median(of_mode[kind]) / median(of_mode["peer"]) for kind in ("key", "non-key")},
                "labels_unlike": unlike.found[name],
            }
            for name, each in modes.items()
        ],
        "memory_bytes": memory,
        "memory_ratio_to_peer": {
            "peak": memory["key"]["peak"] / memory["peer"]["peak"],
            "peak_over_before": (memory["key"]["peak"] - memory["key"]["before"])
            / (memory["peer"]["peak"] - memory["peer"]["before"]),
        },
    }


class _Unlike:
    """How many labels differ, and how far apart the two best scores are at most where they do."""

    def __init__(self, scores: Mapping[str, Tensor]) -> None:
        best = {kind: volume.topk(2, dim=0).values for kind, volume in scores.items()}
        self.gaps = {kind: first - second for kind, (first, second) in best.items()}
        self.found: dict[str, list[dict[str, Any]]] = {}

    def add(self, mode: str, kind: str, beside: str, labels: Tensor, others: Tensor) -> None:
        differ = labels != others
        gap = self.gaps[kind][differ].max().item() if differ.any() else None
        row = {"frame": kind, "beside": beside, "pixels": int(differ.sum()), "widest_gap": gap}
        self.found.setdefault(mode, []).append(row)


def _runs(peer: Steps, ours: Steps, frames: list[Tensor], mode: Mode, device: torch.device) -> dict[str, Run]:
    """What is timed in a mode, of the steps that are prepared for it."""
    key_frame, frame = frames

    def run(step: Callable[..., tuple[Tensor, Any]], *given: Any) -> Run:
        def in_mode() -> Tensor:
            with torch.inference_mode(), mode.autocast(device):
                return step(*given)[0].cpu()

        return in_mode

    with torch.inference_mode(), mode.autocast(device):
        state = ours.key(key_frame)[1]
    runs = (run(peer.key, key_frame), run(ours.key, key_frame), run(ours.non_key, frame, state))
    return dict(zip(SUBJECTS, runs, strict=True))


def _ours(backbone: str, num_classes: int, execution: Execution, peer: Peer) -> MPVSS:
    """MPVSS with the peer's weights, and a flow of a pixel or so."""
    model = build("mpvss", backbone=backbone, num_classes=num_classes, execution=execution)
    assert isinstance(model, MPVSS)
    load_checkpoint(model.segmentor, peer.model.state_dict())
    assert model.motion.fuse is not None
    nn.init.normal_(model.motion.fuse.conv.weight, std=4, generator=torch.Generator().manual_seed(0))
    return model


def _frames(size: tuple[int, int], seed: int) -> tuple[Tensor, Tensor]:
    """A smooth random picture and the same a few pixels on."""
    height, width = size
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 16 + 2, width // 16 + 2, generator=generator)
    picture = 255 * F.interpolate(coarse, (height + 4, width + 6), mode="bicubic").clamp(0, 1)[0]
    picture = picture.to(torch.uint8)
    return picture[:, :height, :width].contiguous(), picture[:, 4:, 6:].contiguous()


def _interleave(runs: Mapping[tuple[str, str], Run], rounds: int, seed: int) -> dict[tuple[str, str], list[float]]:
    """Seconds of each run, every round in a new order, so that drift of the machine hits all alike."""
    samples: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    order = random.Random(seed)
    for index in range(WARMUP_ROUNDS + rounds):
        for key in order.sample(sorted(runs), len(runs)):
            start = time.perf_counter()
            runs[key]()
            if index >= WARMUP_ROUNDS:
                samples[key].append(time.perf_counter() - start)
    return samples


def _in_new_process(name: str, backbone: str, size: tuple[int, int], num_classes: int, device: str) -> dict[str, int]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        given = (name, backbone, size, num_classes, device, torch.get_num_threads())
        return process.submit(_memory_of, *given).result()


def _memory_of(
    name: str, backbone: str, size: tuple[int, int], num_classes: int, device: str, threads: int
) -> dict[str, int]:
    """Bytes of a new process before a key frame and at the highest during one: resident, or of the device."""
    torch.set_num_threads(threads)
    frame = _frames(size, 0)[0].to(device)
    make = Peer if name == "peer" else partial(build, "per-frame")
    model = make(backbone=backbone, num_classes=num_classes)
    assert isinstance(model, nn.Module)
    assert isinstance(model, VideoSegmenter)
    model.eval().to(device)
    before = torch.cuda.memory_allocated() if device == "cuda" else 0
    with torch.inference_mode(), peak_memory(torch.device(device)) as memory:
        model.segment(frame)[0].labels().cpu()
    if memory.device_peak is not None:
        return {"before": before, "peak": memory.device_peak}
    return {"before": memory.host_before or 0, "peak": memory.host_peak}
