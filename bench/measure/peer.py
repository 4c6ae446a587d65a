"""Speed and memory beside the `transformers` library's Mask2Former: the same network, the same weights, one run.

The peer is its model of the same configuration, followed by enlarging the masks, sigmoid, product with the class
probabilities and argmax. Needs the extra `peer`.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.measure.environment import describe_environment
from bench.measure.memory import peak_memory
from bench.registry import build
from mpvss.checkpoints import load_checkpoint
from mpvss.propagation import MPVSS
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD, Execution, pad_to_multiple

SCHEMA = 1
SWINS = {
    "swin-t": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin-s": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "swin-b": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
    "swin-l": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12},
}
WARMUP_ROUNDS = 2


class Peer(nn.Module):
    """The `transformers` library's Mask2Former from a frame to its label map."""

    def __init__(self, backbone: str, num_classes: int) -> None:
        super().__init__()
        from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

        stages = [f"stage{index}" for index in range(1, 5)]
        swin = SwinConfig(out_features=stages, drop_path_rate=0.0, **SWINS[backbone])  # type: ignore[call-arg]
        configuration = Mask2FormerConfig(backbone_config=swin, num_labels=num_classes)  # type: ignore[call-arg]
        self.model = Mask2FormerForUniversalSegmentation(configuration)

    def forward(self, frame: Tensor) -> Tensor:
        """Label map, (H, W), of one RGB frame, (3, H, W), 0..255."""
        mean, std = (torch.tensor(x).view(3, 1, 1) for x in (PIXEL_MEAN, PIXEL_STD))
        pixels = pad_to_multiple(((frame - mean) / std)[None], 32)
        out = self.model(pixel_values=pixels)
        masks = F.interpolate(out.masks_queries_logits, pixels.shape[-2:], mode="bilinear", align_corners=False)
        masks = masks[..., : frame.shape[1], : frame.shape[2]].sigmoid()
        classes = out.class_queries_logits.softmax(-1)[..., :-1]
        return torch.einsum("bqc,bqhw->bchw", classes, masks).argmax(1)[0]


def compare_with_peer(
    *, backbone: str, size: tuple[int, int], num_classes: int, rounds: int, seed: int = 0
) -> dict[str, Any]:
    """Time key and other frames of MPVSS beside the peer, interleaved in random order, and measure peak memory.

    The result holds every sample in seconds, medians, ratios of medians to the peer's, how many labels of the lean
    graph differ from the `execution="paper"` graph's and from the peer's, and memory in bytes.
    """
    if backbone not in SWINS:
        raise ValueError(f"the peer is built with {', '.join(SWINS)}; not with {backbone!r}")
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; it must be 1 or more")
    torch.manual_seed(seed)
    peer = Peer(backbone, num_classes).eval()
    key_frame, frame = _frames(size, seed)
    lean, paper = (_ours(backbone, num_classes, execution, peer) for execution in ("lean", "paper"))
    with torch.inference_mode():
        prediction, state = lean.segment(key_frame)
        subjects: dict[str, Callable[[], Tensor]] = {
            "peer": lambda: peer(key_frame),
            "key": lambda: lean.segment(key_frame)[0].labels(),
            "other": lambda: lean.propagate(frame, state)[0].labels(),
        }
        samples = _interleave(subjects, rounds, seed)
        paper_key, paper_state = paper.segment(key_frame)
        paper_other = paper.propagate(frame, paper_state)[0]
        labels = prediction.labels()
        agreement = {
            "pixels": labels.numel(),
            "key_labels_unlike_paper_graph": _differing(labels, paper_key.labels()),
            "other_labels_unlike_paper_graph": _differing(subjects["other"](), paper_other.labels()),
            "key_labels_unlike_peer": _differing(labels, peer(key_frame)),
        }
    medians = {name: statistics.median(values) for name, values in samples.items()}
    memory = {name: _in_new_process(name, backbone, size, num_classes) for name in ("peer", "key")}
    return {
        "schema": SCHEMA,
        "configuration": {"backbone": backbone, "size": list(size), "num_classes": num_classes, "seed": seed},
        "environment": describe_environment(torch.device("cpu")),
        "samples_s": samples,
        "median_s": medians,
        "ratio_to_peer": {name: medians[name] / medians["peer"] for name in ("key", "other")},
        "agreement": agreement,
        "memory_bytes": memory,
        "memory_ratio_to_peer": {
            "peak": memory["key"]["peak"] / memory["peer"]["peak"],
            "peak_over_before": (memory["key"]["peak"] - memory["key"]["before"])
            / (memory["peer"]["peak"] - memory["peer"]["before"]),
        },
    }


def _ours(backbone: str, num_classes: int, execution: Execution, peer: Peer) -> MPVSS:
    """MPVSS with the peer's weights, and a flow that is not zero."""
    model = build("mpvss", backbone=backbone, num_classes=num_classes, execution=execution)
    assert isinstance(model, MPVSS)
    load_checkpoint(model.segmentor, peer.model.state_dict())
    assert model.motion.fuse is not None
    nn.init.normal_(model.motion.fuse.conv.weight, std=0.2, generator=torch.Generator().manual_seed(0))
    return model


def _frames(size: tuple[int, int], seed: int) -> tuple[Tensor, Tensor]:
    """A smooth random picture and the same a few pixels on."""
    height, width = size
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 16 + 2, width // 16 + 2, generator=generator)
    picture = 255 * F.interpolate(coarse, (height + 4, width + 6), mode="bicubic").clamp(0, 1)[0]
    picture = picture.to(torch.uint8)
    return picture[:, :height, :width].contiguous(), picture[:, 4:, 6:].contiguous()


def _interleave(subjects: Mapping[str, Callable[[], Any]], rounds: int, seed: int) -> dict[str, list[float]]:
    """Seconds of each subject, every round in a new order, so that drift of the machine hits all alike."""
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    order = random.Random(seed)
    for index in range(WARMUP_ROUNDS + rounds):
        for name in order.sample(sorted(subjects), len(subjects)):
            start = time.perf_counter()
            subjects[name]()
            if index >= WARMUP_ROUNDS:
                samples[name].append(time.perf_counter() - start)
    return samples


def _differing(first: Tensor, second: Tensor) -> int:
    return int((first.long() != second.long()).sum())


def _in_new_process(name: str, backbone: str, size: tuple[int, int], num_classes: int) -> dict[str, int]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_memory_of, name, backbone, size, num_classes, torch.get_num_threads()).result()


def _memory_of(name: str, backbone: str, size: tuple[int, int], num_classes: int, threads: int) -> dict[str, int]:
    """Resident bytes of this process before a key frame and at its highest during one."""
    torch.set_num_threads(threads)
    frame = _frames(size, 0)[0]
    run: Callable[[], Tensor]
    if name == "peer":
        peer = Peer(backbone, num_classes).eval()
        run = lambda: peer(frame)  # noqa: E731
    else:
        model = build("per-frame", backbone=backbone, num_classes=num_classes)
        run = lambda: model.segment(frame)[0].labels()  # noqa: E731
    with torch.inference_mode(), peak_memory(torch.device("cpu")) as memory:
        run()
    return {"before": memory.host_before or 0, "peak": memory.host_peak}
