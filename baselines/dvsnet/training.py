"""DVSNet's training: its segmentation network on single regions, then its decision network on pairs of them.

A region in training is a crop of a frame.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from baselines.cnn.layers import resize
from baselines.cnn.loss import cross_entropy
from baselines.dvsnet.method import DVSNet, halved, warped
from mpvss.layers import map_size
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task
from mpvss.video import as_float


class RegionTask(Task):
    """DVSNet's segmentation network under the cross-entropy of its upsampled scores."""

    model: DVSNet

    def __init__(self, model: DVSNet) -> None:
        super().__init__(model, [model.segmentor])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        return {"pixel": cross_entropy(self.model.segmented(as_float(batch.frames)), batch.require_labels())}


class DecisionTask(Task):
    """The decision network on the agreement that it is to expect; the other networks stay as they are.

    Its error is squared, of percentages over 100. Labels are not needed: both results are DVSNet's own.
    """

    model: DVSNet

    def __init__(self, model: DVSNet) -> None:
        super().__init__(model, [model.decision])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features, percent = agreement(self.model, as_float(batch.frames), as_float(batch.require_key_frames()))
        return {"decision": ((self.model.decision.regressed(features) - percent) / 100).square().mean()}


@torch.no_grad()
def agreement(
    model: DVSNet, regions: Float[Tensor, "b 3 h w"], key_regions: Float[Tensor, "b 3 h w"]
) -> tuple[Float[Tensor, "b c _ _"], Float[Tensor, " b"]]:
    """What the decision is made from, and the percentage of a region's pixels where both ways give one class.

    The two ways are to warp the key region's scores and to segment the region.
    """
    found = model.flow(torch.cat((halved(regions), halved(key_regions)), dim=1))
    from_key = warped(model.segmented(key_regions), found.flow, found.scale)
    size = map_size(regions)
    first, second = (resize(scores, size).argmax(1) for scores in (from_key, model.segmented(regions)))
    return found.features, 100 * (first == second).float().mean((1, 2))
