"""Placing a checkpoint's tensors into a module."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mpvss.checkpoints.files import flatten, read_tensors
from mpvss.checkpoints.names import recognise, to_ours
from mpvss.errors import UserError

_OWNERS = ("segmentor", "key_segmentor", "motion", "flow")
_UNUSED = re.compile(r".*\.(relative_position_index|num_batches_tracked)|backbone\.layernorm\.(weight|bias)")
"""Tensors of other programs' networks that take no part in what they compute."""
_CLASS_HEAD = "query_decoder.class_embed."


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
    FlowNetS and our own. A whole part that the checkpoint lacks (a motion module, say) is left alone and reported.
    A published MPVSS checkpoint turns on the warp it was trained with. UserError, before anything is changed, where
    a tensor has another shape, where part of a part is missing or has no place, or where nothing fits.

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
    if isinstance(source, Mapping):
        where, metadata = "the checkpoint", {}
        tensors = flatten(source, where)
    else:
        where = str(source)
        tensors, metadata = read_tensors(source)
    named, kind = _under_our_names(tensors)
    targets = module.state_dict()
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
            f"{_some(named)}, the module's {_some(targets)}"
        )
    missing = tuple(name for name in targets if name not in placed)
    _check_parts(where, missing, placed, left_over, targets)
    if any_classes:
        others = [name for name in placed if _CLASS_HEAD in name and placed[name].shape != targets[name].shape]
        placed = {name: tensor for name, tensor in placed.items() if name not in others}
        missing = (*missing, *others)
    _check_shapes(where, placed, targets)
    with torch.no_grad():
        for name, tensor in placed.items():
            targets[name].copy_(tensor)
    variant = "published" if kind == "published" and any(n.startswith("motion.") for n in named) else None
    variant = metadata.get("warp_variant", variant)
    if variant is not None and hasattr(module, "warp_variant"):
        module.warp_variant = variant  # type: ignore[assignment]
    return LoadReport(kind, tuple(placed), missing, tuple(left_over))


def read_num_classes(path: str | os.PathLike[str]) -> int | None:
    """The number of classes of a checkpoint's segmentor; None where it holds none. Errors as `load_checkpoint`."""
    named, _ = _under_our_names(read_tensors(path)[0])
    biases = [tensor for name, tensor in named.items() if name.endswith("query_decoder.class_embed.bias")]
    return biases[0].numel() - 1 if biases else None  # the last is "no object"


def _under_our_names(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    kind = recognise(tensors)
    return (tensors, "ours") if kind is None else (to_ours(tensors, kind), kind)


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


def _check_parts(
    where: str,
    missing: tuple[str, ...],
    placed: Mapping[str, Tensor],
    left_over: list[str],
    targets: Mapping[str, Tensor],
) -> None:
    """Raise where a part is there in part only, or is another network's."""
    present = {_part(name) for name in placed}
    torn = [name for name in missing if _part(name) in present]
    if torn:
        raise UserError(f"{where} is missing {len(torn)} tensor(s) from parts it contains: {_some(torn)}")
    parts = {_part(name) for name in targets}
    for name in left_over:
        part = next((_part(candidate) for candidate in _candidates(name) if _part(candidate) in parts), None)
        if part is None or _UNUSED.fullmatch(name):
            continue
        ours = [target for target in targets if _part(target) == part]
        raise UserError(
            f"{where} is for another {part.rpartition('.')[2]}: it has {name}, for which the module has no place; "
            f"the module's tensors are named {_some(ours)}"
        )


def _check_shapes(where: str, placed: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> None:
    for name, tensor in placed.items():
        wanted = targets[name].shape
        if tensor.shape == wanted:
            continue
        if _CLASS_HEAD in name and tensor.ndim == len(wanted):
            raise UserError(
                f"{where} was made for {tensor.shape[0] - 1} classes, the module for {wanted[0] - 1} ({name})"
            )
        raise UserError(f"{where} has {name} of shape {tuple(tensor.shape)}; the module's is {tuple(wanted)}")


def _some(names: object) -> str:
    """The first few of some names."""
    listed = list(names)  # type: ignore[call-overload]
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
