"""The lean computation says what the published graph says."""

import pytest
import torch
import torch.nn.functional as F

from bench.methods import build
from bench.methods.names import METHODS
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from mpvss.build import build_mpvss, build_segmentor
from mpvss.motion.flow_head import FlowFusion, QueryFlowHead


def assert_same(lean, paper) -> None:
    """Scores agree, and labels but where two classes tie."""
    scores = paper.scores()
    torch.testing.assert_close(lean.scores(), scores)
    differ = lean.labels() != paper.labels()
    first, second = scores.topk(2, dim=0).values
    assert (first - second)[differ].max().item() < 1e-4 if differ.any() else True
    assert paper.labels().unique().numel() > 1


@pytest.mark.parametrize("backbone", ["nano", "micro"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method(method, backbone, filled, frames, undrawn):
    key_frame, frame, last = (x.double() for x in frames(90, 150, 3))
    predictions = {}
    for execution in ("lean", "paper"):
        with undrawn():
            parts = Parts(9, execution=execution)
            model = build_method(method, backbone=backbone, num_classes=9, parts=parts).segmenter
        # In double precision: a mask near its threshold decides what is attended to.
        filled(model, seed=7).double()
        with torch.inference_mode():
            key, state = model.segment(key_frame)
            other, state = model.propagate(frame, state)
            third, _ = model.propagate(last, state)
        predictions[execution] = (key, other, third)
    for lean, paper in zip(predictions["lean"], predictions["paper"], strict=True):
        assert_same(lean, paper)


def test_mpvss_r50(filled, frames, undrawn):
    key_frame, frame = frames(64, 100)
    predictions = {}
    weights = None
    for execution in ("lean", "paper"):
        with undrawn():
            model = build_mpvss("mpvss", "r50", build_segmentor("r50", 124, execution)).eval()
        if weights is None:
            weights = filled(model, seed=8).state_dict()
        else:
            model.load_state_dict(weights)
        with torch.inference_mode():
            key, state = model.segment(key_frame)
            predictions[execution] = (key, model.propagate(frame, state)[0])
    for lean, paper in zip(predictions["lean"], predictions["paper"], strict=True):
        torch.testing.assert_close(lean.scores(), paper.scores(), rtol=1e-4, atol=1e-4)
        first, second = paper.scores().topk(2, dim=0).values
        assert torch.equal(lean.labels()[first - second > 1e-4], paper.labels()[first - second > 1e-4])


def test_paper_execution_has_the_masks_of_every_layer(filled, frames, undrawn):
    """The published graph predicts before the first decoder layer and after each, and warps them all."""
    with undrawn():
        model = build("mpvss", backbone="nano", num_classes=5, execution="paper")
    filled(model, seed=1)
    layers = len(model.segmentor.query_decoder.layers)
    frame = frames(64, 64)[0]
    with torch.inference_mode():
        maps = model.segmentor.features(frame)
        every = model.segmentor.decode_every_layer(maps)
        last = model.segmentor.decode(maps)
        _, state = model.segment(frame)
    assert len(every) == layers + 1
    assert len(state.earlier_masks) == layers
    torch.testing.assert_close(every[-1].mask_logits, last.mask_logits)


@pytest.mark.parametrize("size", [(3, 5), (12, 20)])
def test_folded_query_flow(size, filled):
    heads = [
        filled(QueryFlowHead(dim=16, map_channels=12, hidden=24, folded=folded), seed=2) for folded in (True, False)
    ]
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(2, 7, 16, generator=generator)
    motion_map = torch.randn(2, 12, *size, generator=generator)
    folded, unfolded = (head(queries, motion_map) for head in heads)
    assert folded.shape == (2, 7, 2, *size)
    torch.testing.assert_close(folded, unfolded, rtol=1e-4, atol=1e-5)


def test_query_flow_takes_y_from_the_first_half_of_the_channels(filled):
    head = filled(QueryFlowHead(dim=16, map_channels=12, hidden=24, folded=True), seed=3)
    generator = torch.Generator().manual_seed(0)
    queries, motion_map = torch.randn(1, 3, 16, generator=generator), torch.randn(1, 12, 4, 6, generator=generator)
    before = head(queries, motion_map)
    with torch.no_grad():
        head.map_mlp.last.weight[:16] *= 2
        head.map_mlp.last.bias[:16] *= 2
    after = head(queries, motion_map)
    torch.testing.assert_close(after[:, :, 0], before[:, :, 0])
    torch.testing.assert_close(after[:, :, 1], 2 * before[:, :, 1])


def test_fusion_is_one_convolution_over_both_flows(filled):
    fusion = filled(FlowFusion(), seed=4)
    generator = torch.Generator().manual_seed(0)
    pixel, query = torch.randn(2, 2, 6, 9, generator=generator), torch.randn(2, 5, 2, 6, 9, generator=generator)
    fused = fusion(pixel, query)
    for index in range(5):
        expected = F.conv2d(torch.cat((pixel, query[:, index]), 1), fusion.conv.weight, fusion.conv.bias, padding=1)
        torch.testing.assert_close(fused[:, index], expected)
