"""What a schedule may look at: signals that say how much a frame wants to be a key frame, the higher the more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.cnn.layers import resize
from baselines.dvsnet.decision import DecisionNetwork
from baselines.dvsnet.flow import ScaledFlow
from baselines.flow_network import FlowNetwork
from mpvss.layers import map_size
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.video import Prediction, as_float, frame_size
from mpvss.warp import resize_flow, warp

UNEXPLAINED = 30.0
"""Grey levels, of 255, by which a pixel may differ from the one that its flow leads to; the mean of its channels."""


class Signal(Protocol):
    """A number for a frame, seen from its key frame."""

    @property
    def needs_prediction(self) -> bool:
        """Whether it looks at the propagated prediction."""
        ...

    @property
    def by_flow(self) -> bool:
        """Whether it is made from the flow that the method itself propagates by."""
        ...

    def of_key(self, frame: Tensor, prediction: Prediction) -> Any:
        """What it keeps of a key frame, (3, H, W) of 0..255."""
        ...

    def score(self, key: Any, frame: Tensor, prediction: Prediction) -> float:
        """Its value at a later frame, whose propagated prediction it is given."""
        ...


@dataclass(frozen=True)
class FrameDifference:
    """Mean absolute difference of a frame from its key frame, in grey levels of 255."""

    needs_prediction = False
    by_flow = False

    def of_key(self, frame: Tensor, prediction: Prediction) -> Tensor:
        """The key frame."""
        return as_float(frame)

    def score(self, key: Tensor, frame: Tensor, prediction: Prediction) -> float:
        """Over pixels and channels."""
        return float((as_float(frame) - key).abs().mean())


@dataclass(frozen=True)
class FlowMagnitude:
    """Mean length of the optical flow from a frame to its key frame, in pixels."""

    network: FlowNetwork
    by_flow: bool
    needs_prediction = False

    def of_key(self, frame: Tensor, prediction: Prediction) -> Tensor:
        """The key frame."""
        return frame

    def score(self, key: Tensor, frame: Tensor, prediction: Prediction) -> float:
        """Over the frame's pixels."""
        return float(full_flow(self.network, frame, key).norm(dim=0).mean())


@dataclass(frozen=True)
class NewlyRevealed:
    """Share of the pixels that the key frame does not explain: new in view, or uncovered.

    Those whose flow leads outside of the key frame, and those that look unlike the pixel that it leads to.
    """

    network: FlowNetwork
    by_flow: bool
    needs_prediction = False

    def of_key(self, frame: Tensor, prediction: Prediction) -> Tensor:
        """The key frame."""
        return frame

    def score(self, key: Tensor, frame: Tensor, prediction: Prediction) -> float:
        """The share, 0..1."""
        flow = full_flow(self.network, frame, key)
        height, width = frame_size(frame)
        x = torch.arange(width, device=flow.device) + flow[0]
        y = torch.arange(height, device=flow.device)[:, None] + flow[1]
        inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        unlike = (as_float(frame) - warp(as_float(key)[None], flow[None])[0]).abs().mean(0) > UNEXPLAINED
        return float((unlike | ~inside).float().mean())


class Shares:
    """The shares of the classes at each pixel of a prediction; those of the last one are kept for the next to ask."""

    def __init__(self) -> None:
        self._last: tuple[Prediction, Tensor] | None = None

    def of(self, prediction: Prediction) -> Float[Tensor, "c h w"]:
        """As `probabilities`."""
        if self._last is None or self._last[0] is not prediction:
            self._last = (prediction, probabilities(prediction))
        return self._last[1]


@dataclass(frozen=True)
class Drop:
    """By how much a figure of the prediction is lower than at the key frame, on average over the pixels."""

    figure: Callable[[Float[Tensor, "c h w"]], Float[Tensor, "h w"]]
    shares: Shares
    needs_prediction = True
    by_flow = False

    def of_key(self, frame: Tensor, prediction: Prediction) -> float:
        """The figure at the key frame."""
        return float(self.figure(self.shares.of(prediction)).mean())

    def score(self, key: float, frame: Tensor, prediction: Prediction) -> float:
        """The drop."""
        return key - self.of_key(frame, prediction)


def confidence(shares: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """The share of the best class."""
    return shares.amax(0)


def negative_entropy(shares: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """Minus the entropy of the classes, in nats."""
    return (shares * shares.clamp_min(1e-12).log()).sum(0)


class DVSNetDecision(nn.Module):
    """DVSNet's decision network (Xu et al., CVPR 2018) over a whole frame: how much of a warped map would be wrong.

    In %: 100 less the agreement of the warped map with a new one that it expects. `flow` and `decision` have the names
    that they have in DVSNet.
    """

    needs_prediction = False
    by_flow = False

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.flow = ScaledFlow(num_classes)
        self.decision = DecisionNetwork()

    def of_key(self, frame: Tensor, prediction: Prediction) -> Tensor:
        """The key frame as the flow network takes it."""
        return _halved(frame)

    def score(self, key: Tensor, frame: Tensor, prediction: Prediction) -> float:
        """The disagreement that is expected, 0..100."""
        features = self.flow.encoder(torch.cat((_halved(frame), key), dim=1))[-1]
        return 100 - float(self.decision(features)[0])


def probabilities(prediction: Prediction) -> Float[Tensor, "c h w"]:
    """The shares of the classes at each pixel: scores of masks over their sum, and the softmax of others."""
    scores = prediction.scores().float()
    if isinstance(prediction, MaskPrediction) and prediction.offset is None:
        return scores / scores.sum(0, keepdim=True).clamp_min(1e-12)
    return scores.softmax(0)


def full_flow(
    network: FlowNetwork, frame: Shaped[Tensor, "3 h w"], key: Shaped[Tensor, "3 h w"]
) -> Float[Tensor, "2 h w"]:
    """The backward flow at full size, in pixels; the network's grid covers the padded frame."""
    height, width = frame_size(frame)
    found = network.flow(frame, key)
    padded = (-(-height // 32) * 32, -(-width // 32) * 32)
    return resize_flow(found, padded)[0, :, :height, :width]


def _halved(frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 3 hh hw"]:
    """BGR of 0..1 at half the size, rounded up."""
    image = as_float(frame).flip(0)[None] / 255
    height, width = map_size(image)
    return resize(image, (-(-height // 2), -(-width // 2)))
