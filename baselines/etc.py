"""ETC: the temporal loss of efficient temporally consistent segmentation (Liu et al., ECCV 2020), VSPW's form.

At test time ETC is its image network, frame by frame: OCRNet-101 in the paper's Table 1, PSPNet-18 in its Table 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from baselines.cnn.layers import resize
from baselines.cnn.loss import AUXILIARY_WEIGHT, cross_entropy
from baselines.cnn.network import ImageNetwork
from baselines.vspw_warp import vspw_warp
from mpvss.layers import map_size

TEMPORAL_WEIGHT = 0.1


def temporal_loss(
    scores: Float[Tensor, "b k _ _"],
    previous_scores: Float[Tensor, "b k _ _"],
    frames: Float[Tensor, "b 3 h w"],
    previous_frames: Float[Tensor, "b 3 h w"],
    flow: Float[Tensor, "b 2 h w"],
) -> Float[Tensor, ""]:
    """0.1 times the mean squared difference of upsampled scores and the warped scores of the frames before.

    Both are multiplied by exp(−|Σ_c(frame − warped previous frame)|), which is small where the warp fails. Frames are
    normalised; `flow` leads from a frame to the one before, in pixels.
    """
    size = map_size(frames)
    warped_scores = vspw_warp(resize(previous_scores, size), flow)
    warped_frames = vspw_warp(previous_frames, flow)
    trust = (frames - warped_frames).sum(1, keepdim=True).abs().neg().exp()
    return TEMPORAL_WEIGHT * F.mse_loss(trust * resize(scores, size), trust * warped_scores)


def etc_loss(
    network: ImageNetwork,
    frames: Shaped[Tensor, "b 3 h w"],
    previous_frames: Shaped[Tensor, "b 3 h w"],
    labels: UInt8[Tensor, "b h w"],
    previous_labels: UInt8[Tensor, "b h w"],
    flow: Float[Tensor, "b 2 h w"],
) -> Float[Tensor, ""]:
    """The training loss of pairs of RGB frames, 0..255: `frames`' cross-entropy, and the temporal loss.

    The auxiliary or coarse head is supervised on both frames, by 0.4. `flow`, of a frozen network, is RAFT's.
    """
    both, auxiliary = network.every_head(torch.cat((frames, previous_frames)))
    scores, previous_scores = both.chunk(2)
    loss = cross_entropy(scores, labels)
    if auxiliary is not None:
        loss = loss + AUXILIARY_WEIGHT * cross_entropy(auxiliary, torch.cat((labels, previous_labels)))
    normed, previous = network.normalise(frames), network.normalise(previous_frames)
    return loss + temporal_loss(scores, previous_scores, normed, previous, flow)
