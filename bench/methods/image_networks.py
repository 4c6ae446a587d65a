"""Image networks of other publications, built from their names."""

from __future__ import annotations

from typing import cast

from baselines.cnn.network import IMAGE_NETWORK, ImageNetwork
from baselines.cnn.presets import Network, build_cnn
from baselines.segformer.names import SEGFORMER
from baselines.segformer.network import SegFormer
from baselines.segformer.presets import build_segformer
from bench.methods.names import SEGFORMERS
from mpvss.presets import Execution
from mpvss.sharing import SharedResults

FORMATS = (SEGFORMER, IMAGE_NETWORK)
"""The formats of their checkpoints."""


def build_image_network(
    name: str, num_classes: int, execution: Execution, shared: SharedResults | None = None
) -> SegFormer | ImageNetwork:
    """The network called `name`, one of `IMAGE_NETWORKS`, with random weights.

    `shared` keeps its predictions; None: nothing does.
    """
    network, size, *variant = name.split("-")
    if name in SEGFORMERS:
        width = int(variant[0]) if variant else None
        return build_segformer(f"mit-{size}", num_classes, width=width, execution=execution, shared=shared)
    return build_cnn(
        cast("Network", network),
        num_classes=num_classes,
        depth=int(size.removeprefix("r")),
        form="vspw" if variant else "library",
        shared=shared,
    )
