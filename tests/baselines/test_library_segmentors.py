"""Networks of the transformers library as segmentors: the library's own input, scores and labels."""

import numpy as np
import pytest
import torch
from library_models import CLASSES, KINDS, SIDE, change, library_scores, save

from baselines.library.load import load_library_model
from baselines.library.preparation import normalise, resize_like_pillow
from baselines.library.sizes import Resizing, by_short_side
from baselines.library.windows import cut, merge, starts
from mpvss.errors import UserError

WIDE, TALL = (70, 112), (112, 70)


def pixel_values(segmentor, frame):
    """What the network is given for a frame."""
    resized, window = segmentor.preparation.resized(frame), segmentor.preparation.window
    pictures = resized[None] if window is None else cut(resized, window)
    return normalise(pictures, segmentor.preparation, segmentor.pixel_mean, segmentor.pixel_std)


@pytest.mark.parametrize("size", [WIDE, TALL])
@pytest.mark.parametrize("kind", KINDS)
def test_as_the_library_segments(tmp_path, frames, filled, kind, size):
    """Resized frames are the library's to one level of 255, so scores and labels are very near."""
    model, processor = save(kind, tmp_path, filled)
    (frame,) = frames(*size, 1)
    segmentor = load_library_model(str(tmp_path))
    with torch.inference_mode():
        pixels, expected = library_scores(model, processor, frame)
        ours, prediction = pixel_values(segmentor, frame), segmentor.predict(frame)
    assert ours.shape == pixels.shape
    assert ((ours - pixels).abs() * segmentor.pixel_std).max() <= 1.01
    assert segmentor.num_classes == CLASSES
    scores = expected.segmentation_scores
    assert (prediction.scores() - scores).abs().max() < 0.15 * scores.std()
    assert (prediction.labels() == expected.segmentation).float().mean() > 0.98


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("mask2former", (64, 96)),
        ("maskformer", (50, 70)),
        ("oneformer", (60, 100)),
        ("eomt", (SIDE, 150)),
        ("eomt", (150, SIDE)),
        ("eomt_dinov3", (SIDE, SIDE)),
        ("segformer", (48, 80)),
        ("dpt", (SIDE, SIDE)),
        ("beit", (SIDE, SIDE)),
        ("mobilevit", (72, 100)),
    ],
)
def test_same_scores_where_nothing_is_resized(tmp_path, frames, filled, kind, size):
    changed = {"do_resize": False} if kind == "maskformer" else {}
    model, processor = save(kind, tmp_path, filled, **changed)
    (frame,) = frames(*size, 1)
    segmentor = load_library_model(str(tmp_path))
    with torch.inference_mode():
        pixels, expected = library_scores(model, processor, frame)
        prediction = segmentor.predict(frame)
    torch.testing.assert_close(pixel_values(segmentor, frame), pixels)
    torch.testing.assert_close(prediction.scores(), expected.segmentation_scores, rtol=1e-3, atol=1e-4)
    assert (prediction.labels() == expected.segmentation).float().mean() > 0.999
    assert expected.segmentation_scores.flatten(1).std(1).max() > 0.01, "the scores must vary over the frame"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("segformer", {"do_normalize": False}),
        ("segformer", {"do_rescale": False, "image_mean": [99.0, 100.0, 101.0], "image_std": [50.0, 60.0, 70.0]}),
        ("segformer", {"rescale_factor": 1 / 128}),
        ("mask2former", {"pad_size": {"height": 160, "width": 128}}),
        ("dpt", {"do_pad": True, "size_divisor": 40, "do_resize": False}),
        ("dpt", {"ensure_multiple_of": 16, "keep_aspect_ratio": True}),
        ("eomt", {"do_pad": True, "do_split_image": False, "size": {"shortest_edge": 64, "longest_edge": 96}}),
        ("beit", {"resample": 2}),
        ("mask2former", {"size": {"max_height": 100, "max_width": 90}}),
    ],
)
def test_settings_of_the_image_processor(tmp_path, frames, filled, kind, settings):
    from transformers.image_utils import SizeDict

    sizes = {key: SizeDict(**value) for key, value in settings.items() if isinstance(value, dict)}
    _, processor = save(kind, tmp_path, filled, **{**settings, **sizes})
    segmentor = load_library_model(str(tmp_path))
    for size in (WIDE, TALL):
        if segmentor.preparation.padding and size == TALL:
            continue  # the paddings above are for wide frames
        (frame,) = frames(*size, 1)
        expected = processor(frame.numpy(), return_tensors="pt")["pixel_values"]
        ours = pixel_values(segmentor, frame)
        assert ours.shape == expected.shape
        assert ((ours - expected).abs() * segmentor.pixel_std).max() <= 2.01


class TestSizes:
    @pytest.mark.parametrize("size", [(480, 853), (853, 480), (100, 100), (1024, 2048), (37, 999)])
    @pytest.mark.parametrize(("short", "longest"), [(512, None), (512, 600), (800, 1333), (37, None)])
    def test_by_short_side(self, size, short, longest):
        from transformers.image_transforms import get_size_with_aspect_ratio

        assert by_short_side(size, short, longest) == get_size_with_aspect_ratio(size, short, longest)

    def test_rounded_up(self):
        assert Resizing({"shortest_edge": 50}, multiple=32)((100, 120)) == (64, 64)

    def test_unknown(self):
        with pytest.raises(UserError, match=r"size is \{'longest_edge': 9\}; known are height and width; short"):
            Resizing({"longest_edge": 9})


class TestWindows:
    def test_they_reach_both_ends(self):
        assert starts(1024, 512) == [0, 512]
        assert starts(853, 480) == [0, 373]
        assert starts(480, 480) == [0]

    def test_merging_undoes_cutting(self):
        picture = torch.rand(3, 40, 100)
        torch.testing.assert_close(merge(cut(picture, 40), (40, 100), 40), picture)

    def test_overlaps_are_averaged(self):
        scores = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
        merged = merge(scores, (6, 4), 4)
        assert merged[0, :, 0].tolist() == [0, 0, 0.5, 0.5, 1, 1]


class TestRefused:
    def test_no_network_there(self, tmp_path):
        with pytest.raises(UserError, match="is no model of the transformers library"):
            load_library_model(str(tmp_path))

    def test_another_task(self, tmp_path):
        from transformers import BertConfig

        BertConfig().save_pretrained(tmp_path)
        with pytest.raises(UserError, match=r"no semantic segmentation network but 'bert'; known are .*mask2former"):
            load_library_model(str(tmp_path))

    @pytest.mark.parametrize(
        ("file", "message"),
        [("model.safetensors", "cannot be loaded"), ("preprocessor_config.json", "has no image processor")],
    )
    def test_a_file_is_missing(self, tmp_path, filled, file, message):
        save("segformer", tmp_path, filled)
        (tmp_path / file).unlink()
        with pytest.raises(UserError, match=message):
            load_library_model(str(tmp_path))

    def test_weights_are_missing(self, tmp_path):
        from transformers import SegformerConfig, SegformerModel

        SegformerModel(SegformerConfig(hidden_sizes=[8, 8, 8, 8], depths=[1] * 4)).save_pretrained(tmp_path)
        with pytest.raises(UserError, match="missing weights of SegformerForSemanticSegmentation: decode_head"):
            load_library_model(str(tmp_path))

    def test_oneformer_without_its_tokenizer(self, tmp_path, filled):
        save("oneformer", tmp_path, filled)
        for file in tmp_path.glob("*token*"):
            file.unlink()
        with pytest.raises(UserError, match="without a tokenizer that knows the words"):
            load_library_model(str(tmp_path))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [({"do_center_crop": True}, "crops frames"), ({"resample": 1}, "resample is 1; known are 2")],
    )
    def test_unknown_steps(self, tmp_path, filled, changed, message):
        save("segformer", tmp_path, filled)
        change(tmp_path, "preprocessor_config.json", **changed)
        with pytest.raises(UserError, match=message):
            load_library_model(str(tmp_path))

    def test_frames_beyond_the_padding(self, tmp_path, frames, filled):
        save("mask2former", tmp_path, filled, do_resize=False)
        change(tmp_path, "preprocessor_config.json", pad_size={"height": 64, "width": 64})
        with pytest.raises(UserError, match="pads to 64x64, and the resized frame is 96x48"):
            load_library_model(str(tmp_path)).predict(*frames(48, 96, 1))


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize("size", [(64, 96), (40, 50), (140, 200), (101, 90)])
def test_resized_as_pillow_does(size, cubic):
    """Sizes where Pillow, too, goes across first; a twentieth of the pixels may be rounded the other way."""
    from PIL import Image

    picture = torch.randint(0, 256, (101, 150, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    filtered = Image.fromarray(picture.numpy()).resize(size[::-1], Image.Resampling.BICUBIC if cubic else 2)
    expected = torch.tensor(np.asarray(filtered)).permute(2, 0, 1).float()
    difference = (resize_like_pillow(picture.permute(2, 0, 1).float(), size, cubic=cubic) - expected).abs()
    assert difference.max() <= 1
    assert difference.mean() < 0.05


def test_oneformer_needs_no_description_of_its_classes(tmp_path, filled):
    save("oneformer", tmp_path, filled)
    change(tmp_path, "preprocessor_config.json", class_info_file="ade20k_panoptic.json", repo_path="some/where-else")
    assert load_library_model(str(tmp_path)).num_classes == CLASSES


def test_a_square_of_fixed_size(tmp_path, frames, filled):
    save("dpt", tmp_path, filled)
    segmentor = load_library_model(str(tmp_path))
    assert tuple(segmentor.preparation.resized(*frames(50, 70, 1)).shape) == (3, SIDE, SIDE)
