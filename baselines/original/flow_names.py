"""FlowNetS's tensors under the names of the flow networks that stand on it: DFF's, Accel's and DVSNet's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

import torch
from torch import Tensor

from mpvss.checkpoints.formats import NOTHING, CheckpointFormat, Naming, renamed
from mpvss.checkpoints.names import MASK2FORMER
from mpvss.checkpoints.names import to_ours as flownets_to_ours
from mpvss.motion.encoder import PIXEL_MEAN

_PUBLISHED = next(naming for naming in MASK2FORMER.namings if naming.kind == "flownets")
_RULES = (
    (r"^(flow\.)?pixel_flow\.predict\.4\.", r"\1predict."),
    (r"^(flow\.)?pixel_flow\.", r"\1refinement."),
)
_FIRST = re.compile(r"^(flow\.)?encoder\.conv1\.0\.weight$")


@dataclass(frozen=True)
class FlowNetSNames:
    """What makes FlowNetS's weights those of a network that takes its images in another form.

    The first convolution is changed so that it gives what FlowNetS's own would, but at the border. The biases that
    FlowNetS lacks are zero.
    """

    image_mean: tuple[float, float, float]
    """What the network's images are centred by, RGB of 0..1."""
    deconv_bias: bool
    """Whether its transposed convolutions have biases."""
    bgr: bool = False
    """Whether its images are BGR."""

    @property
    def format(self) -> CheckpointFormat:
        """The checkpoints that such a network takes, beside its own."""
        return CheckpointFormat((Naming("flownets", _of_flownets, self.to_ours),), (), NOTHING)

    def to_ours(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """FlowNetS's tensors, under its published names or this project's, as the network's."""
        if _PUBLISHED.recognises(tensors.keys()):
            tensors = flownets_to_ours(tensors, "flownets")
        ours = renamed(tensors, _RULES)
        for name in list(ours):
            if _FIRST.match(name):
                bias = name.replace("weight", "bias")
                ours[name], ours[bias] = self._first(ours[name], ours[bias])
        return self._biases(ours) | ours

    def _first(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The first convolution's weight, of a pair of RGB images, and its bias."""
        offset = torch.tensor(self.image_mean * 2) - torch.tensor(PIXEL_MEAN * 2)
        bias = bias + (weight.float().sum((2, 3)) @ offset).to(bias.dtype)
        return (weight[:, [2, 1, 0, 5, 4, 3]] if self.bgr else weight), bias

    def _biases(self, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Zeros for the biases that FlowNetS lacks."""
        layers = r"refinement\.(predict|deconv|upsample)\.\d" if self.deconv_bias else r"refinement\.predict\.\d"
        lacking = re.compile(rf"^(flow\.)?({layers}|predict)\.weight$")
        zeros = {}
        for name, weight in ours.items():
            if lacking.match(name):
                transposed = re.search(r"(deconv|upsample)\.", name)
                zeros[name.replace("weight", "bias")] = weight.new_zeros(weight.shape[1 if transposed else 0])
        return zeros


def _of_flownets(names: Set[str]) -> bool:
    ours = any(re.match(r"^(flow\.)?pixel_flow\.predict\.4\.", name) for name in names)
    return ours or _PUBLISHED.recognises(names)
