"""VidEoMT, frame by frame, against the library's run over a whole clip."""

import importlib

import pytest
import torch
from library_models import SIDE, save, save_video

from baselines.library.load import load_library_model
from baselines.library.videomt import load_videomt
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter, uses_key_frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory, filled):
    return save_video("videomt", tmp_path_factory.mktemp("models"), filled)


def test_as_over_the_whole_clip(folder, frames):
    from transformers import VideomtForUniversalSegmentation

    clip = frames(SIDE, SIDE, 4)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    model = VideomtForUniversalSegmentation.from_pretrained(folder).eval()
    # The library offers the class where torchvision is installed; this function of it needs none.
    library = importlib.import_module("transformers.models.videomt.video_processing_videomt")
    processor = object.__new__(library.VideomtVideoProcessor)
    method = load_videomt(str(folder))
    assert isinstance(method, VideoSegmenter)
    assert not uses_key_frames(method)
    with torch.inference_mode():
        outputs = model(pixel_values_videos=torch.stack([(frame / 255 - mean) / std for frame in clip])[None])
        expected = processor.post_process_semantic_segmentation(
            outputs, target_sizes=[(SIDE, SIDE)] * 4, return_segmentation_scores=True
        )
        prediction, state = method.segment(clip[0])
        predictions = [prediction]
        for frame in clip[1:]:
            prediction, state = method.propagate(frame, state)
            predictions.append(prediction)
        alone, _ = method.segment(clip[-1])
    for ours, theirs in zip(predictions, expected, strict=True):
        torch.testing.assert_close(ours.scores(), theirs.segmentation_scores, rtol=1e-3, atol=1e-4)
        assert (ours.labels() == theirs.segmentation).float().mean() > 0.999
    carried = (predictions[-1].scores() - alone.scores()).abs().max()
    assert carried > 0.01, "the queries of earlier frames must matter"


def test_the_state_is_a_value(folder, frames):
    first, second, third = frames(50, 90, 3)
    method = load_videomt(str(folder))
    with torch.inference_mode():
        _, state = method.segment(first)
        once, _ = method.propagate(second, state)
        method.propagate(third, state)
        again, _ = method.propagate(second, state)
    assert once.labels().shape == (50, 90)
    assert torch.equal(once.scores(), again.scores())


class TestRefused:
    def test_another_kind(self, tmp_path, filled):
        save("segformer", tmp_path, filled)
        with pytest.raises(UserError, match="'segformer'; the method videomt runs kind 'videomt'"):
            load_videomt(str(tmp_path))

    def test_as_an_image_network(self, folder):
        with pytest.raises(UserError, match=r"network of videos \(videomt\), which the method videomt runs"):
            load_library_model(str(folder))

    def test_without_its_processor(self, tmp_path, folder):
        (tmp_path / "config.json").write_text((folder / "config.json").read_text())
        with pytest.raises(UserError, match="has no video processor"):
            load_videomt(str(tmp_path))

    def test_a_frame_of_another_size(self, folder, frames):
        method = load_videomt(str(folder))
        _, state = method.segment(*frames(50, 90, 1))
        with pytest.raises(UserError, match="the frame is 80x50 and the frame before it 90x50"):
            method.propagate(*frames(50, 80, 1), state)
