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

SMALL_WIDTHS = {"micro": 16, "nano": 8}
"""The width of the small family's ResNet-18, by its name; the published is 64."""
WITHOUT_AUXILIARY = (("ocrnet", "library"), ("ocrnet", "vspw"), ("upernet", "vspw"))
"""Networks and forms that training supervises at their own heads alone."""
FORMATS = (SEGFORMER, IMAGE_NETWORK)
"""The formats of their checkpoints."""


def build_image_network(
    name: str,
    num_classes: int,
    execution: Execution,
    shared: SharedResults | None = None,
    *,
    auxiliary: bool = False,
) -> SegFormer | ImageNetwork:
    """The network called `name`, one of `IMAGE_NETWORKS`, with random weights.

    `shared` keeps its predictions; None: nothing does. With `auxiliary`, it has the auxiliary head that training
    supervises, where there is one.
    """
    network, size, *variant = name.split("-")
    if name in SEGFORMERS:
        width = int(variant[0]) if variant else None
        return build_segformer(f"mit-{size}", num_classes, width=width, execution=execution, shared=shared)
    form = "vspw" if variant else "library"
    small = size in SMALL_WIDTHS
    return build_cnn(
        cast("Network", network),
        num_classes=num_classes,
        depth=18 if small else int(size.removeprefix("r")),
        width=SMALL_WIDTHS.get(size, 64),
        form=form,
        auxiliary=auxiliary and (network, form) not in WITHOUT_AUXILIARY,
        shared=shared,
    )
