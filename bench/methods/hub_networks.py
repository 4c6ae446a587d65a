"""Which of the project's networks a model of the `transformers` library is, by its configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from baselines.segformer.presets import mit_row
from bench.methods.names import BACKBONES, SEGFORMERS
from mpvss.errors import UserError
from mpvss.presets import Numbers, ResNetNumbers, SwinNumbers, backbone_row
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD

Facts = tuple[Any, ...]
"""What tells one network from another."""
ARCHITECTURES = {
    "Mask2FormerForUniversalSegmentation": "mask2former",
    "SegformerForSemanticSegmentation": "segformer",
}
"""The library's classes whose weights the project's networks take, and the families that they are of."""
UNNAMED_LABELS = 2
"""Classes of a configuration that names none: the library's default, which it does not write down."""
TOLERANCE = 0.01
"""How far, of its value, a mean or deviation that frames are normed by may lie from the project's."""


def check_network(spec: str, config: Mapping[str, Any], backbone: str, processor: Mapping[str, Any]) -> int:
    """The number of classes of a model that has the network called `backbone`.

    Args:
        spec: what the model is called in messages.
        config: what its `config.json` holds.
        backbone: the network that it must be.
        processor: what its `preprocessor_config.json` holds; nothing where it has none.

    Raises:
        UserError: another architecture, another network, or pixels that are normed in another way.
    """
    names = config.get("architectures") or ["no architecture"]
    family = ARCHITECTURES.get(names[0])
    if family is None:
        raise UserError(f"{spec} is a {names[0]}; weights are taken of {' and '.join(ARCHITECTURES)}")
    try:
        facts = _mask2former(config) if family == "mask2former" else _segformer(config)
    except (KeyError, TypeError) as error:
        raise UserError(f"{spec} has a config.json of another form: {error!r} is missing or no list") from None
    known = _known()
    if facts != known.get(backbone):
        same = next((name for name, theirs in known.items() if theirs == facts), None)
        if same is None:
            raise UserError(f"{spec} is of none of the sizes that the project has: {', '.join(known)}")
        raise UserError(f"{spec} is the network called {same}, not {backbone}; write {same}={spec}")
    _check_norm(spec, processor)
    return len(config.get("id2label") or range(UNNAMED_LABELS))


def _known() -> dict[str, Facts]:
    networks: dict[str, Facts] = {}
    for name in BACKBONES:
        row = backbone_row(name)
        networks[name] = ("mask2former", row.head.queries, *_numbers(row.numbers))
    for name in SEGFORMERS:
        _, size, *width = name.split("-")
        mit = mit_row(f"mit-{size}")
        networks[name] = ("segformer", mit.widths, mit.depths, mit.heads, int(width[0]) if width else mit.decoder)
    return networks


def _numbers(numbers: Numbers) -> Facts:
    if isinstance(numbers, SwinNumbers):
        return "swin", numbers.embed_dim, numbers.depths, numbers.heads, numbers.window
    if isinstance(numbers, ResNetNumbers):
        return "resnet" if numbers.norm == "frozen batch" else "small resnet", numbers.depths, numbers.channels
    return "efficientnet-lite", numbers.depths, numbers.channels


def _mask2former(config: Mapping[str, Any]) -> Facts:
    backbone, queries = config["backbone_config"], config["num_queries"]
    kind = backbone["model_type"]
    if kind == "swin":
        depths, heads = tuple(backbone["depths"]), tuple(backbone["num_heads"])
        sizes = (backbone["embed_dim"], depths, heads, backbone["window_size"])
    else:
        sizes = (tuple(backbone["depths"]), tuple(backbone["hidden_sizes"]))
    return "mask2former", queries, kind, *sizes


def _segformer(config: Mapping[str, Any]) -> Facts:
    lists = (tuple(config[key]) for key in ("hidden_sizes", "depths", "num_attention_heads"))
    return "segformer", *lists, config["decoder_hidden_size"]


def _check_norm(spec: str, processor: Mapping[str, Any]) -> None:
    """Raise UserError where the model's frames are normed by other values than the project's networks norm by."""
    unit = 1 / processor.get("rescale_factor", 1 / 255) if processor.get("do_rescale", True) else 1.0
    for key, ours in (("image_mean", PIXEL_MEAN), ("image_std", PIXEL_STD)):
        theirs = [unit * value for value in processor.get(key) or ()]
        if theirs and not all(math.isclose(a, b, rel_tol=TOLERANCE) for a, b in zip(theirs, ours, strict=True)):
            raise UserError(f"{spec} norms frames by {key} {theirs} of 0..255; the project's networks by {list(ours)}")
