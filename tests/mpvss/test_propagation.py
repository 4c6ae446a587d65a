"""MPVSS, its ablations, and what propagation does with a state."""

import copy
from itertools import pairwise

import pytest
import torch

from baselines.flownets import build_flownets
from bench.methods import build
from mpvss.build import build_motion, build_mpvss, build_segmentor
from mpvss.presets import FLOW_DESIGNS, PAPER


def make(method: str, filled=None, **options):
    model = build(method, backbone="nano", num_classes=6, **options)
    return model if filled is None else filled(model, seed=5)


def flow_between(model, frames, queries: torch.Tensor) -> torch.Tensor:
    key_frame, frame = frames(90, 150)
    with torch.inference_mode():
        return model.motion(frame[None], key_frame[None], queries)


@pytest.fixture
def queries():
    """Two sets of queries that a key frame might leave."""
    return torch.randn(2, 1, 32, 64, generator=torch.Generator().manual_seed(3)).unbind(0)


# The padded frame of 96x160, halved, at a quarter.
FLOW_GRID = (12, 20)


@pytest.mark.parametrize("method", ["mpvss", "mpvss-query-learned"])
def test_each_query_has_a_flow_that_the_key_frame_informs(method, filled, frames, queries):
    model = make(method, filled)
    first, second = (flow_between(model, frames, q) for q in queries)
    assert first.shape == (1, 32, 2, *FLOW_GRID)
    assert first.std(1).max() > 0.01
    assert not torch.allclose(first, second)


def test_query_random_ignores_the_key_frames_queries(filled, frames, queries):
    model = make("mpvss-query-random", filled)
    first, second = (flow_between(model, frames, q) for q in queries)
    assert first.shape == (1, 32, 2, *FLOW_GRID)
    assert torch.equal(first, second)
    own = model.motion.own_queries.weight
    with torch.no_grad():
        own.mul_(-1)
    assert not torch.allclose(flow_between(model, frames, queries[0]), first)


@pytest.mark.parametrize("method", ["mpvss-query-learned", "mpvss-query-random"])
def test_query_flow_alone(method):
    motion = make(method).motion
    assert motion.pixel_flow is None
    assert motion.fuse is None


def test_query_for_pf_has_one_flow_that_queries_have_informed(filled, frames, queries):
    model = make("mpvss-query-for-pf", filled)
    first, second = (flow_between(model, frames, q) for q in queries)
    assert first.shape == (1, 1, 2, *FLOW_GRID)
    assert not torch.equal(first, second)
    key_frame, frame = frames(90, 150)
    with torch.inference_mode():
        key, state = model.segment(key_frame)
        other, _ = model.propagate(frame, state)
    assert other.mask_logits.shape == key.mask_logits.shape
    assert not torch.equal(other.mask_logits, key.mask_logits)


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def mlp(*widths: int) -> int:
    return sum(linear(a, b) for a, b in pairwise(widths))


def published_motion_sizes() -> dict[str, int]:
    """Parameters of the paper's motion module, part by part."""
    dim, hidden, norm = 256, 2048, 2 * 256
    convolutions = [
        (7, 6, 64), (5, 64, 128), (5, 128, 256), (3, 256, 256), (3, 256, 512), (3, 512, 512), (3, 512, 512),
        (3, 512, 512), (3, 512, 1024), (3, 1024, 1024),
    ]  # fmt: skip
    layer = linear(dim, 3 * dim) + linear(dim, dim) + norm + mlp(dim, hidden, dim) + norm
    joined = [256, 256 + 128 + 2, 256 + 128 + 2, 256 + 128 + 2, 128 + 64 + 2]
    return {
        "encoder": sum(linear(kernel * kernel * i, o) for kernel, i, o in convolutions),
        "decoder": 9 * layer + sum(linear(i, dim) for i in (1024, 512, 512)) + (100 + 3) * dim,
        "query_head": norm + mlp(dim, 512, 512, dim) + mlp(128, 512, 512, 2 * dim),
        "pixel_flow": (
            9 * 2 * sum(joined)
            + 16 * sum(i * o for i, o in zip(joined, (128, 128, 128, 64), strict=False))
            + 4 * 16 * 2 * 2
        ),
        "fuse": linear(9 * 4, 2),
        "own_queries": 100 * dim,
    }


@pytest.mark.parametrize(
    ("method", "without", "millions"),
    [
        ("mpvss", ("own_queries",), 40.085),
        ("mpvss-query-learned", ("own_queries", "pixel_flow", "fuse"), 37.555),
        ("mpvss-query-random", ("pixel_flow", "fuse"), 37.581),
        ("mpvss-query-for-pf", ("own_queries", "query_head", "fuse"), 38.968),
    ],
)
def test_parameters_of_the_motion_module(method, without, millions):
    with torch.device("meta"):
        motion = build_motion(PAPER, FLOW_DESIGNS[method])
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in motion.named_children()}
    assert parts == {name: count for name, count in published_motion_sizes().items() if name not in without}
    assert sum(parts.values()) / 1e6 == pytest.approx(millions, abs=0.001)


@pytest.mark.parametrize(("backbone", "millions"), [("r50", 84.07), ("swin-t", 87.52)])
def test_parameters_of_the_whole(backbone, millions):
    with torch.device("meta"):
        model = build_mpvss("mpvss", backbone, build_segmentor(backbone, 124))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.006)


def test_parameters_of_flownets():
    with torch.device("meta"):
        network = build_flownets(PAPER.motion_widths, PAPER.flownet_widths)
    sizes = published_motion_sizes()
    joined = [1024, 512 + 512 + 2, 512 + 256 + 2, 256 + 128 + 2, 128 + 64 + 2]
    deconvolutions = 16 * sum(i * o for i, o in zip(joined, (512, 256, 128, 64), strict=False))
    expected = sizes["encoder"] + 9 * 2 * sum(joined) + deconvolutions + 4 * 16 * 2 * 2
    assert sum(p.numel() for p in network.parameters()) == expected
    assert expected / 1e6 == pytest.approx(38.676, abs=0.001)


@pytest.mark.parametrize("size", [(64, 96), (75, 101)])
def test_untrained_mpvss_copies_the_key_frames_masks(size, frames):
    """The fusion starts at zero, and a zero flow is the identity."""
    model = make("mpvss")
    key_frame, frame = frames(*size)
    with torch.inference_mode():
        key, state = model.segment(key_frame)
        other, _ = model.propagate(frame, state)
    assert torch.equal(other.mask_logits, key.mask_logits)
    assert torch.equal(other.labels(), key.labels())


def test_propagation_changes_masks_alone(filled, frames):
    model = make("mpvss", filled)
    key_frame, frame = frames(64, 96)
    with torch.inference_mode():
        key, state = model.segment(key_frame)
        other, _ = model.propagate(frame, state)
    assert torch.equal(other.class_weights, key.class_weights)
    assert other.size == key.size
    assert not torch.equal(other.mask_logits, key.mask_logits)


@pytest.mark.parametrize("method", list(FLOW_DESIGNS))
def test_same_inputs_same_outputs_and_the_state_stays(method, filled, frames):
    model = make(method, filled)
    clips = [frames(64, 96, 3, seed) for seed in (1, 2)]
    with torch.inference_mode():
        alone = []
        for key_frame, *others in clips:
            _, state = model.segment(key_frame)
            before = copy.deepcopy(state)
            outputs = []
            for frame in others:
                prediction, state = model.propagate(frame, state)
                outputs.append(prediction.mask_logits)
            assert torch.equal(state.frame, before.frame)
            assert torch.equal(state.queries, before.queries)
            assert torch.equal(state.prediction.mask_logits, before.prediction.mask_logits)
            assert torch.equal(state.prediction.class_weights, before.prediction.class_weights)
            alone.append(outputs)
        # The two clips again, now in turns.
        states = [model.segment(clip[0])[1] for clip in clips]
        for index in (1, 2):
            for clip, state, outputs in zip(clips, states, alone, strict=True):
                again, _ = model.propagate(clip[index], state)
                assert torch.equal(again.mask_logits, outputs[index - 1])


def test_bytes_and_floats_are_the_same_frame(filled, frames):
    model = make("mpvss", filled)
    key_frame, frame = frames(64, 96)
    masks = []
    with torch.inference_mode():
        for cast in (torch.Tensor.clone, torch.Tensor.float):
            _, state = model.segment(cast(key_frame))
            masks.append(model.propagate(cast(frame), state)[0].mask_logits)
    assert torch.equal(masks[0], masks[1])


METHODS_WITH_FRAMES = ["per-frame", "copy", "optical-flow", "mpvss", "dff", "accel"]


@pytest.mark.parametrize("method", METHODS_WITH_FRAMES[1:])
def test_frame_of_another_size_than_its_key_frame_is_refused(method, frames):
    model = make(method)
    with torch.inference_mode():
        _, state = model.segment(frames(64, 96)[0])
        with pytest.raises(ValueError, match=r"96x80 and its key frame 96x64.*share one size"):
            model.propagate(frames(80, 96)[0], state)


@pytest.mark.parametrize("shape", [(64, 96), (1, 3, 64, 96), (1, 64, 96), (64, 96, 3), (3, 0, 96)])
@pytest.mark.parametrize("method", METHODS_WITH_FRAMES)
def test_what_is_no_rgb_frame_is_refused(method, shape, frames, without_shape_checks):
    model = make(method)
    with torch.inference_mode():
        with pytest.raises(ValueError, match=r"one RGB image, \(3, H, W\)"):
            model.segment(torch.zeros(shape))
        _, state = model.segment(frames(64, 96)[0])
        with pytest.raises(ValueError, match=r"one RGB image, \(3, H, W\)"):
            model.propagate(torch.zeros(shape), state)
