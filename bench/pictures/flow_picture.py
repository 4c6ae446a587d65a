"""A query's flow beside the optical flow, as in Figure 1 of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from baselines.flownets import FlowNetS
from bench.pictures.flow_colours import flow_colours
from mpvss.propagation import MPVSS, warp_masks
from mpvss.video import frame_size
from mpvss.warp import resize_flow

LEAST_SHARE = 0.01
"""Least share of the key frame's pixels that a query must cover to be shown."""
WHEEL = 129
"""Pixels of the colour wheel's diameter."""


@dataclass(frozen=True)
class QueryMotion:
    """What one query of MPVSS does between a key frame and a non-key frame, at the frame's size.

    Flows are backward, x then y, in pixels of the frame.
    """

    query: int
    mask: Float[np.ndarray, "h w"]
    flow: Float[np.ndarray, "2 h w"]
    warped: Float[np.ndarray, "h w"]
    optical_flow: Float[np.ndarray, "2 h w"]


@torch.inference_mode()
def query_motion(
    mpvss: MPVSS, flownets: FlowNetS, key_frame: Shaped[Tensor, "3 h w"], frame: Shaped[Tensor, "3 h w"]
) -> QueryMotion:
    """The motion of the query that moves most: the longest flow on average, weighted by mask and class probability.

    Queries that cover less than a hundredth of the key frame are left out, unless all do.
    """
    prediction, state = mpvss.segment(key_frame)
    logits = prediction.mask_logits
    height, width = logits.shape[-2:]
    flows = resize_flow(mpvss.motion(frame[None], state.frame[None], state.queries)[0], (height, width))
    size, stride = frame_size(frame), prediction.stride
    masks = logits.sigmoid()
    share = (masks > 0.5).float().mean(dim=(1, 2))
    length = (masks * flows.norm(dim=1)).sum(dim=(1, 2)) / masks.sum(dim=(1, 2))
    score = length * prediction.class_weights.max(dim=1).values
    query = int((score * (share >= LEAST_SHARE) if (share >= LEAST_SHARE).any() else score).argmax())
    warped = warp_masks(logits[query : query + 1], flows[query : query + 1], mpvss.warp_variant)
    optical = resize_flow(flownets.flow(frame, key_frame), (height, width))
    return QueryMotion(
        query=query,
        mask=_enlarged(logits[query][None], size, stride)[0],
        flow=_enlarged_flow(flows[query], size, stride),
        warped=_enlarged(warped, size, stride)[0],
        optical_flow=_enlarged_flow(optical[0], size, stride),
    )


def draw_flow(
    motion: QueryMotion,
    key_image: UInt8[np.ndarray, "3 h w"],
    image: UInt8[np.ndarray, "3 h w"],
    ground_truth_flow: np.ndarray | None,
    indices: tuple[int, int],
) -> Figure:
    """The pair, the mask on the key frame and warped, the query's flow, the optical flow, the true one where known.

    All flows have one scale, which the colour wheel states.
    """
    flows = {f"flow of query {motion.query}": motion.flow, "optical flow (FlowNetS)": motion.optical_flow}
    if ground_truth_flow is not None:
        flows["ground-truth flow"] = ground_truth_flow
    scale = max(1.0, float(np.ceil(max(np.quantile(np.linalg.norm(flow, axis=0), 0.99) for flow in flows.values()))))
    pictures = {
        f"key frame {indices[0]}": key_image.transpose(1, 2, 0),
        f"frame {indices[1]}": image.transpose(1, 2, 0),
        f"query {motion.query}'s mask, key frame": _masked(key_image, motion.mask),
        f"the mask warped to frame {indices[1]}": _masked(image, motion.warped),
        **{name: flow_colours(flow, scale) for name, flow in flows.items()},
    }
    height = 2.3 * image.shape[1] / image.shape[2]
    figure = Figure(figsize=(9.4, 2 * height + 0.5), layout="constrained")
    axes = list(figure.subplots(2, 4).flat)
    for place in axes:
        place.set_axis_off()
    for place, (title, picture) in zip(axes, pictures.items(), strict=False):
        place.imshow(picture, interpolation="nearest")
        place.set_title(title)
    axes[-1].imshow(_wheel(image.shape[2] / image.shape[1]), interpolation="bilinear")
    axes[-1].set_title(f"backward flow, rim: {scale:.0f} pixels")
    return figure


def _wheel(aspect: float) -> np.ndarray:
    """On a white ground of this width over height."""
    y, x = np.mgrid[-1 : 1 : WHEEL * 1j, -aspect : aspect : round(aspect * WHEEL) * 1j]
    colours = flow_colours(np.stack([x, y]), 1.0)
    return np.where((x**2 + y**2 <= 1)[..., None], colours, 1.0)


def _masked(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The frame, pale and grey where the mask is not."""
    picture = image.transpose(1, 2, 0) / 255
    pale = 0.7 + 0.3 * picture.mean(axis=-1, keepdims=True)
    return pale + mask[..., None] * (picture - pale)


def _enlarged(logits: Tensor, size: tuple[int, int], stride: int) -> np.ndarray:
    """Masks, 0..1, as they reach the label map: upsampled before the sigmoid, and cut to the frame."""
    large = torch.nn.functional.interpolate(logits[None], scale_factor=stride, mode="bilinear", align_corners=False)
    return large[0, :, : size[0], : size[1]].sigmoid().cpu().numpy()


def _enlarged_flow(flow: Tensor, size: tuple[int, int], stride: int) -> np.ndarray:
    large = resize_flow(flow[None], (flow.shape[-2] * stride, flow.shape[-1] * stride))
    return large[0, :, : size[0], : size[1]].float().cpu().numpy()
