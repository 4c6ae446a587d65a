"""TCB: published counts, which frames it refers to, its memory, and its streaming."""

import pytest
import torch
from conv_counts import giga_macs, meta_frame, parameters

from baselines.cnn.presets import build_cnn
from baselines.tcb import TCB, build_tcb
from mpvss.video import LooksAhead, VideoSegmenter, uses_key_frames

CLASSES = 5


@pytest.fixture(scope="module")
def method(filled):
    return filled(build_tcb(num_classes=CLASSES, depth=18), 1).eval()


@pytest.fixture(autouse=True)
def as_built(request):
    yield
    if "method" in request.fixturenames:
        built = request.getfixturevalue("method")
        built.memory, built.execution = True, "lean"


def run(method, clip):
    """The scores of a whole clip and its states, each frame with what is coming."""
    scores, states = [], []
    for index, frame in enumerate(clip):
        coming = clip[index + 1 : index + 1 + method.lookahead]
        if index == 0:
            prediction, state = method.segment(frame, coming=coming)
        else:
            prediction, state = method.propagate(frame, states[-1], coming=coming)
        scores.append(prediction.coarse)
        states.append(state)
    return scores, states


def references(index, length):
    """Those of a frame, in the published order, and the frame itself."""
    if index + 9 < length:
        return [index + 3, index + 6, index + 9, index]
    return [max(index - 3, 0), max(index - 6, 0), max(index - 9, 0), index]


def test_counts_are_the_published():
    """58.10 M, and with three references described anew 1532.1 G, of which norms and products are 0.4 %."""
    with torch.device("meta"):
        method = build_tcb(num_classes=124, execution="paper").eval()
        frame = meta_frame(480, 853)
        _, state = method.segment(frame, coming=[frame] * 9)
        giga = giga_macs(method, lambda: method.propagate(frame, state, coming=[frame] * 9))
        method.execution = "lean"
        for _ in range(3):
            _, state = method.propagate(frame, state, coming=[frame] * 9)
        lean = giga_macs(method, lambda: method.propagate(frame, state, coming=[frame] * 9))
        alone = giga_macs(method, lambda: method.segmentor.predict(frame))
    assert parameters(method) == pytest.approx(58.10, abs=0.005)
    assert giga == pytest.approx(1532.1, rel=0.005)
    assert lean == alone  # a frame that has been a reference is described already


def test_is_a_video_method(method):
    assert isinstance(method, VideoSegmenter)
    assert isinstance(method, LooksAhead)
    assert method.lookahead == 9
    assert not uses_key_frames(method)


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("length", [1, 7, 13])
def test_as_written_out(method, frames, length, memory):
    """Every frame's scores from those of its references, found anew, and from the list that remembers them."""
    clip = frames(64, 72, length)
    method.memory = memory
    decoder = method.decoder
    with torch.inference_mode():
        found, _ = run(method, clip)
        described = [decoder.describe(method.segmentor.features(frame)) for frame in clip]
        remembered = []
        for index, scores in enumerate(found):
            if not memory:
                remembered = []
            for reference in references(index, length):
                while len(remembered) > 8:
                    remembered.pop(0)
                remembered.append(described[reference][1])
            mean = sum(remembered) / len(remembered)
            expected = decoder.head.classify(decoder.attend(described[index][0], mean))
            torch.testing.assert_close(scores, expected[0])


def test_lean_and_paper_give_the_same(method, frames):
    clip = frames(64, 64, 12)
    with torch.inference_mode():
        lean, _ = run(method, clip)
        method.execution = "paper"
        paper, _ = run(method, clip)
    torch.testing.assert_close(lean, paper)


def test_a_frame_is_described_once(method, frames, monkeypatch):
    clip = frames(64, 64, 14)
    calls = []
    features = method.segmentor.features
    monkeypatch.setattr(method.segmentor, "features", lambda frame: calls.append(1) or features(frame))
    with torch.inference_mode():
        run(method, clip)
    assert len(calls) == len(clip)


def test_what_the_state_keeps(method, frames):
    clip = frames(64, 64, 24)
    with torch.inference_mode():
        _, states = run(method, clip)
    assert len(states[0].memory) == 4
    assert all(len(state.memory) == 9 for state in states[2:])  # 8, and the one that joined last
    known = states[12].known  # the next frame may refer to 4, 7 and 10
    assert sorted(known) == list(range(4, 22))
    assert all((known[index].pixels is None) == (index <= 12) for index in known)


def test_memory_is_cleared_at_a_clips_start(method, frames):
    one, two = frames(64, 64, 4, seed=1), frames(64, 64, 4, seed=2)
    with torch.inference_mode():
        _, states = run(method, one)
        again, _ = run(method, two)
        after_other, _ = run(method, two)
        torch.testing.assert_close(again, after_other)
        # The same frame after another clip's frames comes out otherwise: memory does act.
        continued, _ = method.propagate(two[0], states[-1], coming=two[1:])
    assert not torch.allclose(continued.coarse, again[0])


def test_without_references_it_is_ocrnet(method, frames):
    """A clip of one frame refers to itself alone."""
    (frame,) = frames(67, 93, 1)
    with torch.inference_mode():
        prediction, _ = method.segment(frame)
        torch.testing.assert_close(prediction.scores(), method.segmentor.predict(frame).scores())


def test_refused(method, frames):
    with pytest.raises(ValueError, match="stands on OCRNet here; it was given a PSPHead"):
        TCB(segmentor=build_cnn("pspnet", num_classes=CLASSES, depth=18))
    first, second = frames(64, 72)
    with torch.inference_mode():
        _, state = method.segment(first)
        with pytest.raises(ValueError, match="frames of one clip must share one size"):
            method.propagate(second[:, 1:], state)
        with pytest.raises(ValueError, match="frames of one clip must share one size"):
            method.segment(first, coming=[second[:, 1:]] * 9)
