"""Times of the hot parts, by pytest-benchmark: `tox run -e bench`, and `mpvss-bench compare` to judge them.

The default run executes each once, untimed.
"""

import pytest
import torch

from bench.methods import build
from mpvss.motion.decoder import MotionDecoder
from mpvss.segmentor.deformable import DeformableAttention
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.warp import warp

SIZE = (96, 160)


def draw(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def frames():
    return [(255 * draw(3, *SIZE)).to(torch.uint8), (255 * draw(4, *SIZE)[1:]).to(torch.uint8)]


@pytest.fixture(scope="module")
def built():
    models = {}

    def make(backbone):
        if backbone not in models:
            models[backbone] = build("mpvss", backbone=backbone, num_classes=19)
        return models[backbone]

    return make


def run(benchmark, function, *arguments):
    with torch.inference_mode():
        return benchmark(function, *arguments)


@pytest.mark.benchmark(group="deformable attention")
@pytest.mark.parametrize("way", ["lookup", "grid-sample"])
def test_deformable_attention(benchmark, way):
    sizes = [(3, 5), (6, 10), (12, 20)]
    count = sum(height * width for height, width in sizes)
    layer = DeformableAttention(64, heads=4, levels=3, points=4).eval()
    tokens, centres = draw(1, count, 64), draw(count, 2)

    def read():
        return layer.reader(tokens, sizes, as_grid_sample=way == "grid-sample")(tokens, centres[None])

    assert run(benchmark, read).shape == tokens.shape


@pytest.mark.benchmark(group="motion decoder")
def test_motion_decoder(benchmark):
    decoder = MotionDecoder(in_channels=(128, 96, 64), dim=64, queries=32, stages=1, heads=4, hidden=128).eval()
    maps = [draw(1, 128, 3, 5), draw(1, 96, 6, 10), draw(1, 64, 12, 20)]
    assert run(benchmark, decoder, draw(1, 32, 64), maps).queries.shape == (1, 32, 64)


@pytest.mark.benchmark(group="warp")
@pytest.mark.parametrize("flows", ["a flow each", "one flow"])
def test_warp(benchmark, flows):
    source = draw(32, 1, 24, 40) if flows == "a flow each" else draw(1, 32, 24, 40)
    assert run(benchmark, warp, source, draw(len(source), 2, 24, 40)).shape == source.shape


@pytest.mark.benchmark(group="semantic inference")
def test_semantic_inference(benchmark):
    prediction = MaskPrediction(draw(32, 19), draw(32, 24, 40), SIZE)
    assert run(benchmark, prediction.labels).shape == SIZE


def key_frame(model, frame):
    return model.segment(frame)[0].labels()


def non_key_frame(model, frame, state):
    return model.propagate(frame, state)[0].labels()


@pytest.mark.benchmark(group="key frame")
@pytest.mark.parametrize("backbone", ["micro", pytest.param("swin-t", marks=pytest.mark.slow)])
def test_key_frame(benchmark, built, frames, backbone):
    assert run(benchmark, key_frame, built(backbone), frames[0]).shape == SIZE


@pytest.mark.benchmark(group="non-key frame")
@pytest.mark.parametrize("backbone", ["micro", pytest.param("swin-t", marks=pytest.mark.slow)])
def test_other_frame(benchmark, built, frames, backbone):
    with torch.inference_mode():
        _, state = built(backbone).segment(frames[0])
    assert run(benchmark, non_key_frame, built(backbone), frames[1], state).shape == SIZE
