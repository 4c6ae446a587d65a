"""The methods of one backbone at once, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from bench.evaluate.memo import Memo
from bench.methods.names import UNTRAINED, branches, method_of
from bench.methods.parts import Parts, share_equal_networks
from bench.methods.registry import build_method
from bench.methods.weights import Weights
from mpvss.presets import Execution
from mpvss.video import VideoSegmenter


@dataclass(frozen=True)
class Built:
    """Methods of one backbone on the device; those that could not be built are in `failed` with the error."""

    segmenters: Mapping[str, VideoSegmenter]
    weights: Mapping[str, str]
    """Each method's weights as results state them: `untrained`, or what was loaded."""
    failed: Mapping[str, Exception] = field(default_factory=dict)
    memo: Memo = field(default_factory=Memo)
    """Keeps the results of the networks that the methods share."""

    def title(self, row: str) -> str:
        """The row as a picture names it, with a word where its weights are untrained."""
        return f"{row}, {UNTRAINED}" if UNTRAINED in self.weights[row] else row


Builder = Callable[[Sequence[str], str], Built]
"""Builds methods (names) of a backbone (name)."""


def registry_builder(
    *, num_classes: int, device: torch.device, execution: Execution, seed: int, weights: Weights
) -> Builder:
    """A builder of the project's own methods; those whose networks have the same weights share them."""

    def build(methods: Sequence[str], backbone: str) -> Built:
        segmenters: dict[str, VideoSegmenter] = {}
        weights_of: dict[str, str] = {}
        failed: dict[str, Exception] = {}
        memo = Memo()
        parts_of: dict[object, Parts] = {}
        for method in methods:
            file, flow = weights.file(method, backbone), weights.flow_file(method, backbone)
            if (file, flow) not in parts_of:
                parts_of[file, flow] = Parts(num_classes, execution=execution, seed=seed, shared=memo, own_weights=file)
            try:
                of_frame, of_key_frame = branches(method_of(method), backbone)
                built = build_method(
                    method_of(method),
                    backbone=of_frame,
                    key_backbone=of_key_frame,
                    num_classes=num_classes,
                    execution=execution,
                    parts=parts_of[file, flow],
                    weights=file,
                    flow_weights=flow,
                )
            except Exception as error:
                if file is not None or flow is not None:
                    raise  # a checkpoint that does not fit is the user's to correct, before hours are spent
                failed[method] = error
                continue
            segmenter = built.segmenter
            segmenters[method] = segmenter.to(device) if isinstance(segmenter, nn.Module) else segmenter
            weights_of[method] = built.weights
        if len(parts_of) > 1:
            share_equal_networks(segmenters.values())
        return Built(segmenters, weights_of, failed, memo)

    return build
