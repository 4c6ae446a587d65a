"""ETC's training: an image network on pairs of successive frames, with a frozen flow network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from baselines.clips.sampling import ClipBatch
from baselines.cnn.network import ImageNetwork
from baselines.etc import etc_loss
from baselines.flownets import FLOW_DIVISOR, FlowNetS
from mpvss.errors import UserError
from mpvss.layers import map_size
from mpvss.motion.encoder import stack_pair
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task

OFFSETS = (1,)
"""How many frames before a frame the other one of its pair lies."""


class EtcTask(Task):
    """All of an image network under ETC's loss; `flow`, which says how frames move, stays as it is."""

    model: ImageNetwork

    def __init__(self, model: ImageNetwork, flow: FlowNetS) -> None:
        super().__init__(model, [model])
        self._flow = (flow.eval().requires_grad_(False),)  # in a tuple: it is not trained, and no part of the model

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if not isinstance(batch, ClipBatch):
            raise UserError("this task is trained on pairs of labelled frames, and the batch has none")
        previous, previous_labels = batch.references[:, -1], batch.reference_labels[:, -1]
        flow = frame_flow(self._flow[0].to(batch.frames.device), batch.frames, previous)
        return {"etc": etc_loss(self.model, batch.frames, previous, batch.require_labels(), previous_labels, flow)}


@torch.no_grad()
def frame_flow(
    network: FlowNetS, frames: Shaped[Tensor, "b 3 h w"], previous: Shaped[Tensor, "b 3 h w"]
) -> Float[Tensor, "b 2 h w"]:
    """Backward flow from frames to those before them, in pixels."""
    pair = stack_pair(frames, previous)
    padded = (2 * pair.shape[2], 2 * pair.shape[3])
    # The network says the flow in pixels of its input, half the padded frame, over `FLOW_DIVISOR`.
    flow = F.interpolate(2 * FLOW_DIVISOR * network(pair), padded, mode="bilinear", align_corners=False)
    height, width = map_size(frames)
    return flow[:, :, :height, :width]
