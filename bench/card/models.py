"""Methods on a device with random weights that give many classes, and pictures to run them on."""

from __future__ import annotations

import re
import zlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.methods.names import branches
from bench.methods.registry import build_method
from mpvss.presets import Execution
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.video import VideoSegmenter

STEP = (2, 3)
"""Pixels, down and to the right, between a frame and the next."""
GAINS = (
    (re.compile(r"(query_feat|query_embed|queries_\w+|own_queries)\.weight$"), 16.0),
    (re.compile(r"query_decoder\..*(out_proj|linear2)\.weight$"), 0.03),
    (re.compile(r"query_decoder\..*(out_proj|linear2|norm\d*)\.bias$"), 0.1),
    (re.compile(r"query_decoder\.mask_embed\..*weight$"), 2.0),
    (re.compile(r"query_decoder\.class_embed\.weight$"), 6.0),
)
"""Factors of the query decoder's random weights by name. Without them all queries come to say the same."""
CALIBRATION = (96, 160)
"""Height and width of the picture that masks are centred on."""


def model_of(
    method: str, backbone: str, num_classes: int, *, seed: int, device: torch.device, execution: Execution = "lean"
) -> VideoSegmenter:
    """A method in evaluation mode on the device; its weights follow from the seed, and are spread."""
    of_frame, of_key = branches(method, backbone)
    built = build_method(
        method, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, execution=execution, seed=seed
    ).segmenter
    if isinstance(built, nn.Module):
        spread(built, seed)
        for part in built.modules():
            if isinstance(part, Mask2Former):
                centre_masks(part, moving_picture(CALIBRATION, 1, seed=seed, device=torch.device("cpu"))[0])
        built.to(device)
    return built


def spread(module: nn.Module, seed: int) -> None:
    """Draw every weight and statistic anew, each by its own name, so that a label map holds many classes.

    Weights of products have a variance of one over their inputs, scales are near 1 and offsets near 0.
    """
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
            values = torch.randn(tensor.shape, generator=generator)
            leaf = name.rpartition(".")[2]
            if leaf == "running_var":
                values = 1 + 0.3 * values.abs()
            elif tensor.ndim == 1:
                values = (1.0 if leaf == "weight" else 0.0) + 0.2 * values
            elif tensor.ndim > 1:
                values /= tensor[0].numel() ** 0.5
            for pattern, gain in GAINS:
                if pattern.search(name):
                    values *= gain
            tensor.copy_(values)


def centre_masks(segmentor: Mask2Former, frame: Tensor) -> None:
    """Let the masks of random weights be on in about half of a frame, (3, H, W), and not everywhere or nowhere."""
    project = segmentor.pixel_decoder.mask_features
    with torch.no_grad():
        embedded = project(segmentor.pixel_decoder(segmentor.features(frame)).fine)
        assert project.bias is not None
        project.bias -= embedded.mean((0, 2, 3))


def moving_picture(size: tuple[int, int], count: int, *, seed: int, device: torch.device) -> list[Tensor]:
    """`count` frames, uint8 (3, H, W): a smooth random picture with a little noise, under a moving camera."""
    height, width = size
    down, right = (step * (count - 1) for step in STEP)
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 16 + 2, width // 16 + 2, generator=generator)
    picture = F.interpolate(coarse, (height + down, width + right), mode="bicubic", align_corners=False)[0]
    noise = torch.rand(picture.shape, generator=generator)
    picture = (235 * picture.clamp(0, 1) + 20 * noise).to(torch.uint8).to(device)
    return [
        picture[:, STEP[0] * i : STEP[0] * i + height, STEP[1] * i : STEP[1] * i + width].contiguous()
        for i in range(count)
    ]
