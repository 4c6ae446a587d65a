"""The settings of the image processor that is saved with a network of the library, as a `Preparation`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.library.preparation import Padding, Preparation
from baselines.library.sizes import Resizing
from mpvss.errors import UserError

ROUNDED_UP = ("Mask2FormerImageProcessor", "MaskFormerImageProcessor")
"""Image processors whose `size_divisor` the resized frame's sides are multiples of."""
_IMAGENET = {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)}
_STEPS = {"do_resize": True, "do_rescale": True, "do_normalize": True}
_BILINEAR, _CUBIC = 2, 3


def read_image_processor(name: str, **changed: Any) -> dict[str, Any]:
    """The settings of a network's image processor, with the defaults of its kind; `changed` replaces some.

    Raises:
        OSError, ValueError, ImportError: there is none, or none that the library can make here.
    """
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(name, **changed).to_dict()


def read_video_processor(name: str, side: int) -> dict[str, Any]:
    """The settings of a network's video processor; frames are resized to squares of `side` where it does not say.

    The library makes video processors only where torchvision is installed, so its files are read instead.

    Raises:
        UserError: there is none.
    """
    from transformers.utils.hub import cached_file

    defaults = {"size": {"height": side, "width": side}, "resample": _BILINEAR, **_STEPS, **_IMAGENET}
    for file, part in (
        ("processor_config.json", "video_processor"),
        ("video_preprocessor_config.json", None),
        ("preprocessor_config.json", None),
    ):
        path = cached_file(name, file, _raise_exceptions_for_missing_entries=False)
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        if found := found.get(part, {}) if part else found:
            return {**defaults, **found}
    raise UserError(f"{name} has no video processor; video_preprocessor_config.json holds one")


def preparation(settings: Mapping[str, Any]) -> Preparation:
    """What an image or video processor with these settings does to a frame.

    `do_reduce_labels` changes ground truth alone, and no frame.

    Raises:
        UserError: a step that is not known here.
    """
    if settings.get("do_center_crop"):
        raise UserError(
            "the image processor crops frames (do_center_crop), and pixels outside would have no label; "
            "set do_center_crop to false in preprocessor_config.json"
        )
    mean, std = _norm(settings)
    size = {key: int(value) for key, value in dict(settings.get("size") or {}).items() if value}
    return Preparation(
        mean=mean,
        std=std,
        resizing=_resizing(settings, size) if settings.get("do_resize") else None,
        window=size["shortest_edge"] if settings.get("do_split_image") else None,
        padding=_padding(settings, size),
        reversed_channels=bool(settings.get("do_flip_channel_order")),
    )


def _norm(settings: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of RGB values 0..255."""
    unit = 1 / settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale") else 1.0
    if not settings.get("do_normalize"):
        return (0.0,) * 3, (unit,) * 3
    mean, std = (tuple(unit * value for value in _three(settings[key])) for key in ("image_mean", "image_std"))
    return mean, std


def _three(value: float | Sequence[float]) -> list[float]:
    return [value] * 3 if isinstance(value, int | float) else list(value)


def _resizing(settings: Mapping[str, Any], size: Mapping[str, int]) -> Resizing:
    resample = int(settings.get("resample", _BILINEAR))
    if resample not in (_BILINEAR, _CUBIC):
        raise UserError(f"the image processor's resample is {resample}; known are 2 (bilinear) and 3 (bicubic)")
    kind = settings.get("image_processor_type", "").removesuffix("Fast")
    return Resizing(
        size,
        cubic=resample == _CUBIC,
        multiple=(settings.get("size_divisor") if kind in ROUNDED_UP else None) or 1,
        nearest_multiple=settings.get("ensure_multiple_of") or 1,
        keep_aspect=bool(settings.get("keep_aspect_ratio")),
    )


def _padding(settings: Mapping[str, Any], size: Mapping[str, int]) -> Padding | None:
    kind = settings.get("image_processor_type", "").removesuffix("Fast")
    pad_size = settings.get("pad_size")
    if pad_size and kind in ROUNDED_UP:
        return Padding((pad_size["height"], pad_size["width"]))
    if not settings.get("do_pad"):
        return None
    if kind == "EomtImageProcessor":
        short = size["shortest_edge"]
        return Padding((short, size.get("longest_edge", short)), before_norm=True)
    if kind == "DPTImageProcessor" and settings.get("size_divisor"):
        return Padding(multiple=settings["size_divisor"])
    return None
