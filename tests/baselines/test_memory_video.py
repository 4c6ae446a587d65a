"""SAM 2 and EdgeTAM as propagation, against the library's own session over the same frames and masks."""

from dataclasses import dataclass

import pytest
import torch
import transformers as t
from library_models import SIDE, save_video
from torch import nn
from transformers.models.edgetam_video import modeling_edgetam_video as edgetam
from transformers.models.sam2_video import modeling_sam2_video as sam2

from baselines.library.load import load_library_model
from baselines.library.memory_video import MemoryVideo, load_tracker
from baselines.scores import ScorePrediction
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter, uses_key_frames

CLASSES = 5
SESSIONS = {"sam2_video": sam2.Sam2VideoInferenceSession, "edgetam_video": edgetam.EdgeTamVideoInferenceSession}


@pytest.fixture(scope="module", params=list(SESSIONS))
def folder(request, tmp_path_factory, filled):
    return save_video(request.param, tmp_path_factory.mktemp("models"), filled)


class Halves(nn.Module):
    """A segmentor that sees class 1 on the left, 3 on the right and 4 in a corner."""

    num_classes = CLASSES

    def predict(self, frame):
        height, width = frame.shape[1:]
        labels = torch.ones(height, width, dtype=torch.long)
        labels[:, width // 2 :] = 3
        labels[: height // 3, : width // 4] = 4
        return ScorePrediction(nn.functional.one_hot(labels, CLASSES).movedim(-1, 0).float(), (height, width))


def build(folder):
    return MemoryVideo(segmentor=Halves(), tracker=load_tracker(str(folder)))


@dataclass
class Processor:
    """What the library's function that adds masks reads of its processor, which needs torchvision."""

    target_size: int = SIDE


def test_as_the_library_follows_masks(folder, frames):
    clip = frames(SIDE, SIDE, 8)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    pixels = [((frame / 255 - mean) / std)[None] for frame in clip]
    method = build(folder)
    assert isinstance(method, VideoSegmenter)
    assert uses_key_frames(method)
    model = method.tracker.model
    session = SESSIONS[model.config.model_type](video_height=SIDE, video_width=SIDE, dtype=torch.float32)
    with torch.inference_mode():
        key, state = method.segment(clip[0])
        labels = key.labels()
        masks = [labels == name for name in (1, 3, 4)]
        t.Sam2VideoProcessor.process_new_mask_for_video_frame(Processor(), session, 0, [1, 3, 4], masks)
        model(inference_session=session, frame=pixels[0])
        for frame, given in zip(clip[1:], pixels[1:], strict=True):
            expected = model(inference_session=session, frame=given).pred_masks[:, 0]
            prediction, state = method.propagate(frame, state)
            torch.testing.assert_close(prediction.coarse[[1, 3, 4]], expected, rtol=1e-3, atol=1e-3)
            assert expected.std() > 0.01
            assert set(prediction.labels().unique().tolist()) <= {1, 3, 4}
    assert torch.equal(labels, Halves().predict(clip[0]).labels())


def test_the_state_is_a_value(folder, frames):
    first, second, third = frames(40, 70, 3)
    method = build(folder)
    with torch.inference_mode():
        _, state = method.segment(first)
        once, _ = method.propagate(second, state)
        method.propagate(third, state)
        again, after = method.propagate(second, state)
        method.propagate(third, after)
    assert once.labels().shape == (40, 70)
    assert torch.equal(once.scores(), again.scores())


def test_memory_stays_bounded(folder, frames):
    method = build(folder)
    with torch.inference_mode():
        _, state = method.segment(*frames(SIDE, SIDE, 1))
        for frame in frames(SIDE, SIDE, 12):
            _, state = method.propagate(frame, state)
    kept = state.memory.output_dict_per_obj[0]["non_cond_frame_outputs"]
    assert len(kept) == 5  # the 4 frames that pointers reach back to, and the last
    assert list(state.memory.processed_frames) == [12]


class TestRefused:
    def test_another_kind(self, tmp_path):
        t.SegformerConfig().save_pretrained(tmp_path)
        with pytest.raises(UserError, match="the method sam2-video runs sam2_video and edgetam_video"):
            load_tracker(str(tmp_path))

    def test_as_an_image_network(self, folder):
        with pytest.raises(UserError, match="which the method sam2-video runs"):
            load_library_model(str(folder))
