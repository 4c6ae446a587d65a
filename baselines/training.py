"""Training of baselines: the flow network on ground-truth flow or on warped masks; DFF and Accel end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from baselines.accel import Accel
from baselines.dff import DFF
from baselines.flownets import FLOW_DIVISOR, STRIDE, FlowNetS
from baselines.optical_flow import OpticalFlow
from mpvss.errors import UserError
from mpvss.labels import IGNORE
from mpvss.layers import map_size
from mpvss.motion.encoder import PADDING as PAIR_PADDING
from mpvss.motion.encoder import stack_pair
from mpvss.segmentor.mask2former import PADDING
from mpvss.segmentor.query_decoder import Segments
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.training.batch import Batch, pad_labels
from mpvss.training.distributed import mean_over_processes
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.tasks import Task, WarpedMaskTask, warp_layers
from mpvss.warp import resize_flow, warp

LEVEL_WEIGHTS = (0.32, 0.08, 0.02, 0.01, 0.005)
"""FlowNet's weights of the end-point error at each level, coarse to fine."""
LEAST_SCORE = 1e-6
"""The score that smaller fused scores count as, so that their logarithm exists."""


class OpticalFlowTask(WarpedMaskTask):
    """FlowNetS under the losses that MPVSS's motion module is trained with."""

    model: OpticalFlow

    def __init__(self, model: OpticalFlow, criterion: SegmentationCriterion) -> None:
        assert isinstance(model.flow, FlowNetS), "no other flow network is trained"
        super().__init__(model, model.segmentor, model.flow, criterion)

    def flow(self, batch: Batch, queries: Float[Tensor, "b q d"]) -> Float[Tensor, "b 1 2 fh fw"]:
        assert isinstance(self.model.flow, FlowNetS)
        return _flow(self.model.flow, batch)[:, None]


class FlowTask(Task):
    """FlowNetS on ground-truth flow: the end-point error at every level (Dosovitskiy et al., Sec. 5.2).

    Occluded pixels have a ground-truth flow and count; pixels whose flow is not known do not. A level's error is
    summed over its pixels, and divided by the number of pixels of the finest.
    """

    model: FlowNetS

    def __init__(self, model: FlowNetS) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        flow = batch.require_flow()
        # The network works on frames of half size, and says the flow over `FLOW_DIVISOR`.
        target = flow / (2 * FLOW_DIVISOR)
        known = ~flow.isnan().any(1, keepdim=True)
        padding = (0, -flow.shape[-1] % PAIR_PADDING, 0, -flow.shape[-2] % PAIR_PADDING)
        target, known = F.pad(target.nan_to_num(), padding), F.pad(known.float(), padding)
        levels = self.model.every_level(stack_pair(batch.frames, batch.require_key_frames()))
        with torch.autocast(flow.device.type, enabled=False):
            losses = [
                weight * _end_point_error(level.float(), target, known).sum()
                for weight, level in zip(LEVEL_WEIGHTS, levels, strict=True)
            ]
        return {"flow": torch.stack(losses).sum() / levels[-1][:, 0].numel()}


class DffTask(Task):
    """DFF end to end: Mask2Former's losses on what it decodes from the warped maps of the key frame."""

    model: DFF

    def __init__(self, model: DFF, criterion: SegmentationCriterion) -> None:
        super().__init__(model, [model])
        self._criterion = criterion

    def decoded_layers(self, batch: Batch) -> list[Segments]:
        """The segments of every decoder layer on the warped maps."""
        maps = self.model.segmentor.features(batch.require_key_frames())
        flow = _flow(self.model.flow, batch).float()
        with torch.autocast(flow.device.type, enabled=False):
            maps = [warp(x.float(), resize_flow(flow, map_size(x))) for x in maps]
        return self.model.segmentor.decode_every_layer(maps)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        labels = pad_labels(batch.require_labels(), PADDING)
        return self._criterion(self.decoded_layers(batch), labels, batch.generators())


@dataclass(frozen=True)
class PixelCriterion:
    """Cross-entropy of fused scores, −log(score of the true class / sum of scores), at `points` random pixels.

    Accel is trained with the cross-entropy of what its fusion puts out (Jain et al., Sec. 3). There these are
    logits. Mask2Former's scores are no logits but non-negative shares, so here they are normed by their sum.
    """

    points: int = 12544

    def __post_init__(self) -> None:
        if self.points < 1:
            raise UserError(f"points is {self.points}; it must be 1 or more")

    def __call__(
        self,
        predictions: Sequence[MaskPrediction],
        labels: UInt8[Tensor, "b h w"],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """The loss `pixel`: a mean over the chosen pixels that are not ignored, of all processes."""
        total, count = predictions[0].mask_logits.new_zeros(()), labels.new_zeros((), dtype=torch.float32)
        with torch.autocast(labels.device.type, enabled=False):
            for prediction, truth, generator in zip(predictions, labels, generators, strict=True):
                chosen = torch.randint(truth.numel(), (self.points,), generator=generator, device=truth.device)
                classes = truth.flatten()[chosen].long()
                shares = scores_at(prediction, chosen).clamp(min=LEAST_SCORE)
                logs = (shares / shares.sum(0)).log()
                total = total + F.nll_loss(logs.T, classes, ignore_index=IGNORE, reduction="sum")
                count = count + (classes != IGNORE).sum()
            return {"pixel": total / mean_over_processes(count).clamp(min=1)}


def scores_at(prediction: MaskPrediction, pixels: Tensor) -> Float[Tensor, "c p"]:
    """The scores at some pixels, given by their index row by row; as `prediction.scores()` has them."""
    masks = prediction.mask_logits.float()
    width = prediction.size[1]
    at = torch.stack((pixels % width, pixels // width), dim=-1) + 0.5
    extent = at.new_tensor([masks.shape[2], masks.shape[1]]) * prediction.stride
    grid = (2 * at / extent - 1)[None, :, None]
    read = F.grid_sample(masks[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    scores = prediction.class_weights.float().T @ read[0, :, :, 0].sigmoid()
    return scores if prediction.offset is None else scores + prediction.offset[:, None]


class AccelTask(Task):
    """Accel end to end: both branches, the flow network and the fusion, on the fused scores."""

    model: Accel

    def __init__(self, model: Accel, criterion: PixelCriterion) -> None:
        super().__init__(model, [model])
        self._criterion = criterion

    def predictions(self, batch: Batch) -> list[MaskPrediction]:
        """The fused prediction of each frame."""
        model = self.model
        large = model.key_segmentor.decode(model.key_segmentor.features(batch.require_key_frames()))
        small = model.segmentor.decode(model.segmentor.features(batch.frames))
        flow = _flow(model.flow, batch).float()
        with torch.autocast(flow.device.type, enabled=False):
            (masks,) = warp_layers([large.mask_logits.float()], flow[:, None], "exact")
            warped = Segments(large.queries, large.class_logits, masks)
            size = map_size(batch.frames)
            return [
                model.fusion(
                    model.key_segmentor.prediction(_one(warped, index), size),
                    model.segmentor.prediction(_one(small, index), size),
                )
                for index in range(len(batch.frames))
            ]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        labels = batch.require_labels()
        return self._criterion(self.predictions(batch), labels, batch.generators())


def _flow(network: FlowNetS, batch: Batch) -> Float[Tensor, "b 2 fh fw"]:
    """Backward flow as `FlowNetS.flow` gives it, of a batch."""
    return network(stack_pair(batch.frames, batch.require_key_frames())) * (FLOW_DIVISOR / STRIDE)


def _end_point_error(
    flow: Float[Tensor, "b 2 h w"], target: Float[Tensor, "b 2 fh fw"], known: Float[Tensor, "b 1 fh fw"]
) -> Float[Tensor, "b h w"]:
    """The distance to the mean target under each pixel; 0 where none of it is known."""
    size = map_size(flow)
    share = F.adaptive_avg_pool2d(known, size)
    mean = F.adaptive_avg_pool2d(target * known, size) / share.clamp(min=1e-6)
    return torch.linalg.vector_norm(flow - mean, dim=1) * (share[:, 0] > 0)


def _one(segments: Segments, index: int) -> Segments:
    """One image of a batch's segments, with a batch axis, in float32."""
    of_image = slice(index, index + 1)
    return Segments(
        segments.queries[of_image].float(),
        segments.class_logits[of_image].float(),
        segments.mask_logits[of_image].float(),
    )
