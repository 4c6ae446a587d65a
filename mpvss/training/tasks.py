"""Tasks, a model and its losses: Mask2Former on single frames, MPVSS on pairs (Sec. 3.1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.propagation import MPVSS
from mpvss.segmentor.mask2former import PADDING, Mask2Former
from mpvss.segmentor.query_decoder import Segments
from mpvss.training.batch import Batch, pad_labels
from mpvss.training.losses import SegmentationCriterion
from mpvss.warp import WarpVariant, resize_flow, warp


class Task(nn.Module, ABC):
    """A model, the parts of it that are trained, and the losses; the rest is frozen, in evaluation mode."""

    def __init__(self, model: nn.Module, trained: Sequence[nn.Module]) -> None:
        super().__init__()
        self.model = model
        self._trained = tuple(trained)
        model.requires_grad_(False)
        for part in self._trained:
            part.requires_grad_(True)

    def train(self, mode: bool = True) -> Task:
        super().train(mode)
        self.model.eval()
        for part in self._trained:
            part.train(mode)
        return self

    @abstractmethod
    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted losses by name; their sum is minimised. UserError where the batch lacks what is needed."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The same as `loss`: what wrappers such as DistributedDataParallel call."""
        return self.loss(batch)


class SegmentationTask(Task):
    """All of Mask2Former on single labelled frames."""

    model: Mask2Former

    def __init__(self, segmentor: Mask2Former, criterion: SegmentationCriterion) -> None:
        super().__init__(segmentor, [segmentor])
        self._criterion = criterion

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        layers = self.model.decode_every_layer(self.model.features(batch.frames))
        return self._criterion(layers, pad_labels(batch.require_labels(), PADDING), batch.generators())


class WarpedMaskTask(Task):
    """Mask2Former's losses on the key frame's masks, warped, against the current frame's ground truth (Sec. 3.1).

    Trained are the `motion` part and the segmentor's `mask_embed` and `class_embed`, as in the published program.
    """

    warp_variant: WarpVariant = "exact"

    def __init__(
        self, model: nn.Module, segmentor: Mask2Former, motion: nn.Module, criterion: SegmentationCriterion
    ) -> None:
        decoder = segmentor.query_decoder
        super().__init__(model, [motion, decoder.mask_embed, decoder.class_embed])
        self._segmentor = (segmentor,)  # in a tuple: it is the model's to register
        self._criterion = criterion

    @abstractmethod
    def flow(self, batch: Batch, queries: Float[Tensor, "b q d"]) -> Float[Tensor, "b n 2 fh fw"]:
        """Backward flow, one for each query or a single one (n = 1); `queries` are the key frames'."""

    def warped_layers(self, batch: Batch) -> list[Segments]:
        """The segments of every decoder layer, their masks warped to `frames`."""
        (segmentor,) = self._segmentor
        layers = segmentor.decode_every_layer(segmentor.features(batch.require_key_frames()))
        flow = self.flow(batch, layers[-1].queries)
        with torch.autocast(flow.device.type, enabled=False):
            masks = warp_layers([layer.mask_logits.float() for layer in layers], flow.float(), self.warp_variant)
        return [
            Segments(layer.queries, layer.class_logits, warped) for layer, warped in zip(layers, masks, strict=True)
        ]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        labels = pad_labels(batch.require_labels(), PADDING)
        return self._criterion(self.warped_layers(batch), labels, batch.generators())


class PropagationTask(WarpedMaskTask):
    """MPVSS and its ablations on pairs of frames."""

    model: MPVSS

    def __init__(self, model: MPVSS, criterion: SegmentationCriterion) -> None:
        super().__init__(model, model.segmentor, model.motion, criterion)
        self.warp_variant = model.warp_variant

    def flow(self, batch: Batch, queries: Float[Tensor, "b q d"]) -> Float[Tensor, "b n 2 fh fw"]:
        return self.model.motion(batch.frames, batch.require_key_frames(), queries)


def warp_layers(
    masks: Sequence[Float[Tensor, "b q h w"]], flow: Float[Tensor, "b n 2 fh fw"], variant: WarpVariant
) -> list[Float[Tensor, "b q h w"]]:
    """The masks of every decoder layer warped at once, each by its own flow (n = q) or all by one (n = 1)."""
    stacked = torch.stack(list(masks), dim=2)  # (b, q, layers, h, w)
    batch, queries, layers, height, width = stacked.shape
    upsampled = resize_flow(flow.flatten(0, 1), (height, width))
    # A flow's masks are the channels of one map.
    source = stacked.reshape(len(upsampled), -1, height, width)
    warped = warp(source, upsampled, variant).view(batch, queries, layers, height, width)
    return list(warped.unbind(2))
