"""Image networks: published counts, and numerics against other libraries and against what must be equal."""

from types import SimpleNamespace

import pytest
import torch
from conv_counts import giga_macs, meta_frame, parameters
from torch import nn

from baselines.cnn.fcn import FCNHead
from baselines.cnn.loss import loss_of_heads
from baselines.cnn.ocr import OCRDecoder, OCRHead, gather
from baselines.cnn.presets import build_cnn
from baselines.cnn.resnet import build_resnet
from baselines.cnn.uper import UperHead
from baselines.copy_prediction import CopyPrediction
from baselines.per_frame import PerFrame
from baselines.score_flow import ScoreFlow
from mpvss.checkpoints import load_checkpoint
from mpvss.errors import UserError
from mpvss.labels import IGNORE
from mpvss.presets import SMALL
from mpvss.video import VideoSegmenter

CITYSCAPES, VSPW = (19, 1024, 2048), (124, 480, 853)


# Parameters in millions, to what the published programs have. GMACs are those of mmsegmentation's tool, which also
# counts norms, ReLUs and pooling: 0.05 to 0.15 % more than the convolutions alone.
@pytest.mark.parametrize(
    ("options", "data", "millions", "giga"),
    [
        ({"network": "deeplabv3plus", "auxiliary": True}, VSPW, 62.66, 399.6),
        ({"network": "upernet"}, VSPW, 83.10, 403.6),
        ({"network": "upernet", "auxiliary": True}, VSPW, 85.49, 403.6),
        ({"network": "upernet", "form": "vspw"}, VSPW, 83.20, None),
        ({"network": "pspnet"}, VSPW, 65.66, 401.8),
        ({"network": "pspnet", "auxiliary": True}, VSPW, 68.05, 401.8),
        ({"network": "pspnet", "form": "vspw", "auxiliary": True}, VSPW, 70.54, None),
        ({"network": "ocrnet"}, VSPW, 55.60, 362.0),
        ({"network": "ocrnet", "form": "vspw"}, VSPW, 58.10, None),
        ({"network": "fcn", "auxiliary": True}, CITYSCAPES, 68.49, 2203.3),
        ({"network": "pspnet", "auxiliary": True}, CITYSCAPES, 67.97, 2048.9),
        ({"network": "pspnet", "depth": 18, "auxiliary": True}, CITYSCAPES, 12.79, 434.1),
    ],
)
def test_counts_are_the_published(options, data, millions, giga):
    classes, height, width = data
    with torch.device("meta"):
        network = build_cnn(**options, num_classes=classes).eval()
    assert parameters(network) == pytest.approx(millions, abs=0.0055)
    if giga is not None:
        assert giga_macs(network, lambda: network.predict(meta_frame(height, width))) == pytest.approx(giga, rel=0.002)


def test_dilated_stages_are_the_strided_ones_at_every_pixel(filled):
    """Without its strides and with dilations instead, a ResNet computes the same maps more densely."""
    plain = filled(build_resnet(50, strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1)), 1).eval()
    dilated = build_resnet(50, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4)).eval()
    dilated.load_state_dict(plain.state_dict())
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        coarse, dense = plain(image), dilated(image)
    assert [tuple(x.shape[1:]) for x in dense] == [(256, 16, 24), (512, 8, 12), (1024, 8, 12), (2048, 8, 12)]
    for step, expected, found in zip((1, 1, 2, 4), coarse, dense, strict=True):
        torch.testing.assert_close(found[..., ::step, ::step], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [18, 50])
def test_stages_are_those_of_the_library(depth, filled):
    from transformers import ResNetConfig, ResNetModel

    block, widths = ("basic", [64, 128, 256, 512]) if depth < 50 else ("bottleneck", [256, 512, 1024, 2048])
    ours = filled(build_resnet(depth, stem=(32, 32, 64), strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1)), 2).eval()
    depths = [len(stage) for stage in (ours.layer1, ours.layer2, ours.layer3, ours.layer4)]
    config = ResNetConfig(embedding_size=64, hidden_sizes=widths, depths=depths, layer_type=block)
    theirs = ResNetModel(config).eval()
    names = {"convolution": "conv", "normalization": "bn"}
    state = ours.state_dict()
    for name, tensor in theirs.encoder.state_dict().items():
        _, stage, _, index, part, *rest = name.split(".")
        if part == "shortcut":
            own = f"downsample.{('convolution', 'normalization').index(rest[0])}.{rest[1]}"
        else:
            own = f"{names[rest[1]]}{int(rest[0]) + 1}.{rest[2]}"
        tensor.copy_(state[f"layer{int(stage) + 1}.{index}.{own}"])
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        stem = nn.functional.max_pool2d(ours.stem(image), 3, 2, 1)
        expected = theirs.encoder(stem, output_hidden_states=True).hidden_states[1:]
        for found, wanted in zip(ours(image), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_uper_head_is_that_of_the_library(filled):
    from transformers.models.upernet.modeling_upernet import UperNetHead

    widths = [16, 24, 32, 40]
    ours = filled(UperHead(widths, 12, 5), 3).eval()
    theirs = UperNetHead(SimpleNamespace(pool_scales=(1, 2, 3, 6), hidden_size=12, num_labels=5), widths).eval()
    renamed = {name.replace(".bn.", ".batch_norm."): tensor for name, tensor in ours.state_dict().items()}
    theirs.load_state_dict({name.replace("conv_seg", "classifier"): tensor for name, tensor in renamed.items()})
    generator = torch.Generator().manual_seed(1)
    sizes = [(25, 37), (13, 19), (7, 10), (4, 5)]
    maps = [torch.randn(2, width, *size, generator=generator) for width, size in zip(widths, sizes, strict=True)]
    with torch.inference_mode():
        torch.testing.assert_close(ours(maps), theirs(maps))


def test_contexts_are_means_of_a_region_that_is_sure():
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randn(1, 6, 4, 5, generator=generator)
    region = torch.randint(3, (4, 5), generator=generator)
    scores = 100.0 * nn.functional.one_hot(region, 3).permute(2, 0, 1)[None].float()
    expected = torch.stack([pixels[0][:, region == index].mean(1) for index in range(3)], dim=1)
    torch.testing.assert_close(gather(pixels, scores), expected[None, ..., None])


def test_object_attention_pixel_by_pixel(filled):
    """The attention of each pixel, written out from the paper's equations."""
    head = filled(OCRHead(10, 8, 4, 3), 4).eval()
    block = head.object_context_block
    generator = torch.Generator().manual_seed(3)
    pixels, contexts = (torch.randn(1, 8, *size, generator=generator) for size in ((3, 2), (3, 1)))
    with torch.inference_mode():
        query, key, value = block.query_project(pixels), block.key_project(contexts), block.value_project(contexts)
        attended = torch.zeros(1, 4, 3, 2)
        for row in range(3):
            for column in range(2):
                similarity = torch.stack([query[0, :, row, column] @ key[0, :, k, 0] / 4**0.5 for k in range(3)])
                attended[0, :, row, column] = (value[0, :, :, 0] * similarity.softmax(0)).sum(1)
        expected = block.bottleneck(torch.cat((block.out_project(attended), pixels), 1))
        torch.testing.assert_close(block(pixels, contexts), expected)


@pytest.mark.parametrize("network", ["fcn", "pspnet", "deeplabv3plus", "upernet", "ocrnet"])
def test_any_size(network, frames, filled):
    (frame,) = frames(67, 93, 1)
    model = filled(build_cnn(network, num_classes=5, depth=18), 5).eval()
    with torch.inference_mode():
        prediction = model.predict(frame)
        scores = prediction.scores()
    grid = (17, 24) if network in ("deeplabv3plus", "upernet") else (9, 12)
    assert prediction.coarse.shape == (5, *grid)
    assert scores.shape == (5, 67, 93)
    assert scores.isfinite().all()
    assert torch.equal(prediction.labels().long(), scores.argmax(0))


def test_methods_over_one(frames, filled):
    from baselines.flownets import build_flownets

    model = build_cnn("pspnet", num_classes=5, depth=18)
    flow = build_flownets(SMALL.motion_widths, SMALL.flownet_widths)
    for parameter in flow.parameters():
        nn.init.zeros_(parameter)
    key, frame = frames(64, 96)
    for method in (PerFrame(segmentor=model), CopyPrediction(segmentor=model), ScoreFlow(segmentor=model, flow=flow)):
        assert isinstance(method.eval(), VideoSegmenter)
        with torch.inference_mode():
            first, state = method.segment(key)
            second, _ = method.propagate(frame, state)
            expected = model.predict(frame) if isinstance(method, PerFrame) else first
            torch.testing.assert_close(second.scores(), expected.scores())


PUBLISHED_NAMES = (
    "backbone.stem.0.weight backbone.stem.7.running_var backbone.layer1.0.downsample.0.weight "
    "backbone.layer3.22.conv3.weight backbone.layer4.0.bn2.num_batches_tracked "
)


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("fcn", "decode_head.convs.1.conv.weight decode_head.conv_cat.bn.bias auxiliary_head.convs.0.conv.weight"),
        (
            "pspnet",
            "decode_head.psp_modules.3.1.conv.weight decode_head.bottleneck.conv.weight decode_head.conv_seg.bias",
        ),
        (
            "deeplabv3plus",
            "decode_head.image_pool.1.conv.weight decode_head.aspp_modules.0.bn.weight "
            "decode_head.aspp_modules.3.depthwise_conv.conv.weight decode_head.c1_bottleneck.conv.weight "
            "decode_head.sep_bottleneck.1.pointwise_conv.bn.running_mean",
        ),
        (
            "upernet",
            "decode_head.psp_modules.0.1.bn.weight decode_head.lateral_convs.2.conv.weight "
            "decode_head.fpn_convs.0.conv.weight decode_head.fpn_bottleneck.conv.weight",
        ),
        (
            "ocrnet",
            "decode_head.0.convs.0.conv.weight decode_head.0.conv_seg.weight decode_head.1.bottleneck.conv.weight "
            "decode_head.1.object_context_block.query_project.1.conv.weight "
            "decode_head.1.object_context_block.value_project.conv.weight "
            "decode_head.1.object_context_block.bottleneck.bn.bias",
        ),
    ],
)
def test_named_as_published(network, names):
    with torch.device("meta"):
        state = build_cnn(network, num_classes=19, auxiliary=network != "ocrnet").state_dict()
    assert set((PUBLISHED_NAMES + names).split()) <= set(state)


def test_loads_a_published_checkpoint_with_its_auxiliary_head(filled):
    theirs = filled(build_cnn("pspnet", num_classes=5, depth=18, auxiliary=True), 6)
    ours = build_cnn("pspnet", num_classes=5, depth=18)
    report = load_checkpoint(ours, theirs.state_dict())
    assert not report.missing
    assert all(name.startswith("auxiliary_head.") for name in report.left_over)
    torch.testing.assert_close(ours.state_dict(), {name: theirs.state_dict()[name] for name in ours.state_dict()})


def test_a_checkpoint_of_other_classes(filled):
    theirs = filled(build_cnn("pspnet", num_classes=6, depth=18), 6).state_dict()
    ours = build_cnn("pspnet", num_classes=5, depth=18)
    with pytest.raises(UserError, match=r"made for 6 classes, the module for 5 \(decode_head\.conv_seg\."):
        load_checkpoint(ours, theirs)
    report = load_checkpoint(ours, theirs, any_classes=True)
    assert report.missing == ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias")


def test_a_checkpoint_without_counts_of_batches(filled):
    theirs = filled(build_cnn("fcn", num_classes=5, depth=18), 6).state_dict()
    uncounted = {name: tensor for name, tensor in theirs.items() if not name.endswith("num_batches_tracked")}
    assert len(uncounted) < len(theirs)
    assert not load_checkpoint(build_cnn("fcn", num_classes=5, depth=18), uncounted).missing


def test_loss_of_the_heads():
    """Uniform scores cost the logarithm of the classes; ignored pixels do not count."""
    labels = torch.randint(4, (1, 8, 8), dtype=torch.uint8)
    labels[:, :, :4] = IGNORE
    uniform = torch.zeros(1, 4, 2, 2)
    cost = torch.tensor(4.0).log()
    torch.testing.assert_close(loss_of_heads(uniform, None, labels), cost)
    torch.testing.assert_close(loss_of_heads(uniform, uniform, labels), 1.4 * cost)
    assert loss_of_heads(uniform, None, torch.full_like(labels, IGNORE)) == 0


def test_ocr_trains_its_coarse_head(frames, filled):
    model = filled(build_cnn("ocrnet", num_classes=5, depth=18), 7).eval()
    (frame,) = frames(64, 64, 1)
    scores, coarse = model.every_head(frame[None])
    assert isinstance(model.decode_head, OCRDecoder)
    assert isinstance(model.decode_head.coarse, FCNHead)
    torch.testing.assert_close(scores[0], model.predict(frame).coarse)
    assert coarse is not None
    assert coarse.shape == scores.shape == (1, 5, 8, 8)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "unet"}, "no image network 'unet'; known are fcn, pspnet"),
        ({"network": "fcn", "form": "vspw"}, "fcn has no vspw form; those that have are pspnet"),
        ({"network": "fcn", "form": "mine"}, "no form 'mine'"),
        ({"network": "fcn", "depth": 20}, "no ResNet-20 here; known depths are 18, 50, 101"),
        ({"network": "ocrnet", "auxiliary": True}, "ocrnet in its library form has no auxiliary head"),
        ({"network": "fcn", "num_classes": 300}, "num_classes is 300"),
    ],
)
def test_refused(options, message):
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        build_cnn(**{"num_classes": 19, **options})
