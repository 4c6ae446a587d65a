"""The signals that can be had of a method, and what each costs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from baselines.flow_network import FlowNetwork
from bench.adaptive.play import SignalCost
from bench.adaptive.signals import (
    Drop,
    DVSNetDecision,
    FlowMagnitude,
    FrameDifference,
    NewlyRevealed,
    Shares,
    Signal,
    confidence,
    negative_entropy,
)
from bench.evaluate.memo import Memo
from bench.measure.count.executed import executed_operators, total_macs
from bench.methods.parts import Parts
from bench.methods.shipped import FLOW_ROW, FOLDER, MODEL
from mpvss.checkpoints import load_checkpoint
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter

SMALL_BACKBONE = "micro"
"""The family that the shipped flow network is of; it was trained on moving pictures of no data set."""


def signals_of(
    method: VideoSegmenter,
    num_classes: int,
    device: torch.device,
    memo: Memo,
    *,
    seed: int = 0,
    decision_weights: Path | None = None,
) -> tuple[dict[str, Signal], str]:
    """Every signal by name, and what the weights of the decision network are.

    The flow is the method's own where it has one; else that of the FlowNetS that the project ships.

    Raises:
        UserError: a checkpoint that does not fit.
    """
    parts = Parts(num_classes, seed=seed, shared=memo)
    own = getattr(method, "flow", None)
    by_flow = isinstance(own, FlowNetwork)
    flow = own if by_flow else _shipped_flow(parts)
    decision = parts.initialise("dvsnet decision", lambda: DVSNetDecision(num_classes))
    weights = "untrained"
    if decision_weights is not None:
        report = load_checkpoint(decision, decision_weights)
        if report.missing:
            raise UserError(f"{decision_weights} has no DVSNet: {', '.join(report.missing[:3])} … are missing")
        weights = decision_weights.name
    for network in (flow, decision):
        if isinstance(network, nn.Module):
            network.to(device)
    assert isinstance(flow, FlowNetwork)
    shares = Shares()
    found: dict[str, Signal] = {
        "difference": FrameDifference(),
        "flow": FlowMagnitude(flow, by_flow),
        "revealed": NewlyRevealed(flow, by_flow),
        "confidence": Drop(confidence, shares),
        "entropy": Drop(negative_entropy, shares),
        "decision": decision,
    }
    return found, weights


def costs_of(method: VideoSegmenter, signals: Mapping[str, Signal], frame: Tensor) -> dict[str, SignalCost]:
    """What each signal costs on frames as this one, (3, H, W), counted while it runs once."""
    with torch.inference_mode():
        prediction, state = method.segment(frame)
        later, _ = method.propagate(frame, state)
        found = {}
        for name, signal in signals.items():
            # Each is counted as if it were alone: what signals share is computed for each.
            prediction, later = copy.copy(prediction), copy.copy(later)
            with executed_operators("signal") as at_key:
                kept = signal.of_key(frame, prediction)
            with executed_operators("signal") as each:
                signal.score(kept, frame, later)
            found[name] = SignalCost(total_macs(each), total_macs(at_key), signal.needs_prediction, signal.by_flow)
    return found


def _shipped_flow(parts: Parts) -> nn.Module:
    flow = parts.flow(SMALL_BACKBONE)
    load_checkpoint(flow, FOLDER / FLOW_ROW / MODEL)
    return flow
