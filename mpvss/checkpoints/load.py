"""Placing a checkpoint's tensors into a module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from mpvss.checkpoints.files import flatten, read_tensors
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, under_our_names
from mpvss.checkpoints.names import MASK2FORMER
from mpvss.errors import UserError
from mpvss.warp import WarpVariant

_OWNERS = ("segmentor", "key_segmentor", "motion", "flow")


@dataclass(frozen=True)
class LoadReport:
    """The tensors of a checkpoint and of a module, by what became of them."""

    kind: str
    """The program whose names the checkpoint held: published, transformers, flownets or ours."""
    loaded: tuple[str, ...]
    """The module's tensors that were set."""
    missing: tuple[str, ...]
    """The module's tensors that were left as they were: parts the checkpoint does not have at all."""
    left_over: tuple[str, ...]
    """The checkpoint's tensors, under our names, that the module has no place for."""


def load_checkpoint(
    module: nn.Module,
    source: str | os.PathLike[str] | Mapping[str, Tensor | np.ndarray],
    *,
    any_classes: bool = False,
) -> LoadReport:
    """Set a module's tensors from a file or from named tensors.

    Recognises the names of the published MPVSS and Mask2Former, of the `transformers` library's Mask2Former, of
    FlowNetS, our own, and those that the module's, or a part's, `checkpoint_format` adds. A whole part that the
    checkpoint lacks (a motion module, say) is left alone and reported. A published MPVSS checkpoint turns on the warp
    it was trained with. UserError, before anything is changed, where the checkpoint is of another variant, a tensor
    has another shape or holds NaN or infinity, part of a part is missing or has no place, nothing fits, or a warp is
    not known.

    With `any_classes`, the class head of a checkpoint for another number of classes is left out, and counts as
    missing; else it is refused.

    >>> from torch import nn
    >>> module = nn.Linear(2, 1)
    >>> report = load_checkpoint(module, {"weight": torch.tensor([[3.0, 4.0]]), "bias": torch.zeros(1)})
    >>> report.loaded, report.missing, report.left_over
    (('weight', 'bias'), (), ())
    >>> module.weight.data
    tensor([[3., 4.]])
    """
    formats = _formats(module)
    if isinstance(source, Mapping):
        where, metadata = "the checkpoint", {}
        tensors = flatten(source, where)
    else:
        where = str(source)
        tensors, metadata = _read(source, formats)
    named, kind = under_our_names(tensors, formats)
    targets = module.state_dict()
    _check_facts(where, named, targets, formats)
    placed: dict[str, Tensor] = {}
    left_over = []
    for name, tensor in named.items():
        target = _place(name, targets)
        if target is None:
            left_over.append(name)
        else:
            placed[target] = tensor
    if not placed:
        raise UserError(
            f"{where} holds nothing for this {type(module).__name__}: its tensors are named "
            f"{_some(named)}, the module's {_some(targets)}{_unread(formats)}"
        )
    missing = tuple(name for name in targets if name not in placed and not _unused(name, formats))
    _check_parts(where, missing, placed, left_over, targets, formats)
    if any_classes:
        others = [name for name in placed if _class_head(name, formats) and placed[name].shape != targets[name].shape]
        placed = {name: tensor for name, tensor in placed.items() if name not in others}
        missing = (*missing, *others)
    _check_shapes(where, placed, targets, formats)
    _check_finite(where, placed)
    variant = "published" if kind == "published" and any(n.startswith("motion.") for n in named) else None
    variant = metadata.get("warp_variant", variant)
    if variant not in (None, *get_args(WarpVariant)):
        raise UserError(f"{where} has the warp {variant!r}; known are {', '.join(get_args(WarpVariant))}")
    with torch.no_grad():
        for name, tensor in placed.items():
            targets[name].copy_(tensor)
    if variant is not None and hasattr(module, "warp_variant"):
        module.warp_variant = variant  # type: ignore[assignment]
    return LoadReport(kind, tuple(placed), missing, tuple(left_over))


def read_num_classes(path: str | os.PathLike[str], *formats: CheckpointFormat) -> int | None:
    """The number of classes of a checkpoint's segmentor; None where it holds none. Errors as `load_checkpoint`.

    `formats` are those of other networks that the file may be of, beside Mask2Former's.
    """
    known = (*formats, MASK2FORMER)
    named, _ = under_our_names(read_tensors(path)[0], known)
    for name, tensor in named.items():
        if name.endswith(".bias") and (head := _class_head(name, known)):
            return tensor.numel() - head.other_rows
    return None


def _read(
    path: str | os.PathLike[str], formats: Iterable[CheckpointFormat]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """As `read_tensors`, whose message for a file of another kind says too what is not read."""
    try:
        return read_tensors(path)
    except UserError as error:
        if not Path(path).is_file():
            raise
        raise UserError(f"{error}{_unread(formats)}") from error


def _unread(formats: Iterable[CheckpointFormat]) -> str:
    """The end of a message: which checkpoints are not read."""
    return "".join(f"; {format.unread}" for format in formats if format.unread)


def _formats(module: nn.Module) -> tuple[CheckpointFormat, ...]:
    """The formats of a module and its parts, the outermost first, and Mask2Former's."""
    own = (getattr(part, "checkpoint_format", None) for part in module.modules())
    return (*dict.fromkeys(format for format in own if isinstance(format, CheckpointFormat)), MASK2FORMER)


def _class_head(name: str, formats: Iterable[CheckpointFormat]) -> ClassHead | None:
    """The layer of a row per class that a tensor belongs to, if it is of one."""
    heads = (head for format in formats for head in format.class_heads)
    return next((head for head in heads if head.tensors.search(name)), None)


def _place(name: str, targets: Mapping[str, Tensor]) -> str | None:
    """The module's tensor that one of this name goes to; None where there is no place for it."""
    return next((candidate for candidate in _candidates(name) if candidate in targets), None)


def _candidates(name: str) -> Iterator[str]:
    """Places that a tensor could go to: in a method, in the part it belongs to, or in that part's own part."""
    rest = name.partition(".")[2]
    yield from (name, f"segmentor.{name}", rest)
    if name.startswith("flow.encoder."):
        yield f"motion.{rest}"


def _part(name: str) -> str:
    """The part a tensor belongs to, such as `segmentor.backbone` or `motion.encoder`."""
    pieces = name.split(".")
    return ".".join(pieces[:2]) if pieces[0] in _OWNERS else pieces[0]


def _unused(name: str, formats: Iterable[CheckpointFormat]) -> bool:
    """Whether a tensor takes no part in what a network computes."""
    return any(format.unused.fullmatch(name) for format in formats)


def _check_parts(
    where: str,
    missing: tuple[str, ...],
    placed: Mapping[str, Tensor],
    left_over: list[str],
    targets: Mapping[str, Tensor],
    formats: Iterable[CheckpointFormat],
) -> None:
    """Raise where a part is there in part only, or is another network's."""
    present = {_part(name) for name in placed}
    torn = [name for name in missing if _part(name) in present]
    if torn:
        raise UserError(
            f"{where} is missing {len(torn)} tensor(s) from parts it contains: {_some(torn)}{_unread(formats)}"
        )
    parts = {_part(name) for name in targets}
    for name in left_over:
        part = next((_part(candidate) for candidate in _candidates(name) if _part(candidate) in parts), None)
        if part is None or _unused(name, formats):
            continue
        ours = [target for target in targets if _part(target) == part]
        raise UserError(
            f"{where} is for another {part.rpartition('.')[2]}: it has {name}, for which the module has no place; "
            f"the module's tensors are named {_some(ours)}{_unread(formats)}"
        )


def _check_shapes(
    where: str, placed: Mapping[str, Tensor], targets: Mapping[str, Tensor], formats: Iterable[CheckpointFormat]
) -> None:
    for name, tensor in placed.items():
        wanted = targets[name].shape
        if tensor.shape == wanted:
            continue
        head = _class_head(name, formats)
        if head is not None and tensor.ndim == len(wanted):
            theirs, ours = (rows - head.other_rows for rows in (tensor.shape[0], wanted[0]))
            raise UserError(f"{where} was made for {theirs} classes, the module for {ours} ({name})")
        raise UserError(f"{where} has {name} of shape {tuple(tensor.shape)}; the module's is {tuple(wanted)}")


def _check_finite(where: str, placed: Mapping[str, Tensor]) -> None:
    """Raise where a weight is NaN or infinite: what such a network predicts means nothing."""
    for name, tensor in placed.items():
        if tensor.is_floating_point() and not tensor.is_meta and not bool(torch.isfinite(tensor).all()):
            raise UserError(f"{where} holds NaN or infinity in {name}")


def _check_facts(
    where: str, named: Mapping[str, Tensor], targets: Mapping[str, Tensor], formats: Iterable[CheckpointFormat]
) -> None:
    """Raise where a checkpoint says of itself that it is of another variant."""
    for format in formats:
        theirs, ours = format.facts(named), format.facts(targets)
        differ = [fact for fact in ours if fact in theirs and theirs[fact] != ours[fact]]
        if differ:
            of_each = (", ".join(f"{fact} {facts[fact]}" for fact in differ) for facts in (theirs, ours))
            raise UserError("{} is of another network: it has {}; the module has {}".format(where, *of_each))


def _some(names: object) -> str:
    """The first few of some names."""
    listed = list(names)  # type: ignore[call-overload]
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
