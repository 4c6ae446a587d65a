"""Mask2Former against the `transformers` library's, small and random, weights carried over."""

import re
from dataclasses import dataclass, field

import pytest
import torch

from mpvss.checkpoints import load_checkpoint
from mpvss.published import PublishedMask2Former
from mpvss.segmentor.mask2former import PADDING, PIXEL_MEAN, PIXEL_STD, Mask2Former, pad_to_multiple
from mpvss.segmentor.pixel_decoder import PixelDecoder
from mpvss.segmentor.query_decoder import QueryDecoder
from mpvss.segmentor.resnet import FrozenBatchNorm2d, ResNet
from mpvss.segmentor.swin import SwinTransformer

transformers = pytest.importorskip("transformers")

STAGES = ["stage1", "stage2", "stage3", "stage4"]
POINTS = 4
"""Of a head on a map; the library has no other number."""


@dataclass(frozen=True)
class Case:
    """Both libraries' numbers for one network, and the frame it sees."""

    size: tuple[int, int]
    depths: tuple[int, ...]
    dim: int = 32
    mask_dim: int = 32
    heads: int = 4
    pixel_layers: int = 2
    pixel_hidden: int = 48
    query_layers: int = 4
    query_hidden: int = 40
    queries: int = 12
    num_classes: int = 7
    swin: dict = field(default_factory=dict)
    resnet: dict = field(default_factory=dict)


# The library shrinks the windows of maps that are smaller than one, which the published program does not, so the
# coarsest map, 1/32 of the padded frame, is no smaller than the window.
CASES = {
    "swin": Case((96, 128), (1, 2, 2, 1), swin={"embed_dim": 16, "heads": (1, 2, 2, 4), "window": 3}),
    "swin-padded": Case(
        (150, 97),
        (2, 1, 3, 2),
        dim=64,
        heads=8,
        queries=21,
        num_classes=124,
        swin={"embed_dim": 12, "heads": (2, 2, 4, 4), "window": 4},
    ),
    "swin-deep": Case(
        (70, 130),
        (2, 2, 2, 2),
        mask_dim=48,
        pixel_layers=3,
        query_layers=9,
        query_hidden=64,
        num_classes=1,
        swin={"embed_dim": 24, "heads": (3, 3, 6, 6), "window": 2},
    ),
    "resnet": Case((64, 96), (1, 2, 2, 1), resnet={"channels": (16, 32, 48, 64), "stem": 16}),
    "resnet-padded": Case(
        (101, 75),
        (2, 1, 3, 1),
        dim=64,
        mask_dim=40,
        heads=2,
        pixel_layers=1,
        query_layers=5,
        queries=30,
        num_classes=19,
        resnet={"channels": (32, 64, 128, 256), "stem": 8},
    ),
}


def theirs_of(case: Case) -> torch.nn.Module:
    if case.swin:
        backbone = transformers.SwinConfig(
            embed_dim=case.swin["embed_dim"],
            depths=list(case.depths),
            num_heads=list(case.swin["heads"]),
            window_size=case.swin["window"],
            out_features=STAGES,
            drop_path_rate=0.0,
        )
    else:
        backbone = transformers.ResNetConfig(
            embedding_size=case.resnet["stem"],
            depths=list(case.depths),
            hidden_sizes=list(case.resnet["channels"]),
            downsample_in_bottleneck=False,
            out_features=STAGES,
        )
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=case.dim,
        hidden_dim=case.dim,
        mask_feature_size=case.mask_dim,
        num_attention_heads=case.heads,
        encoder_layers=case.pixel_layers,
        encoder_feedforward_dim=case.pixel_hidden,
        decoder_layers=case.query_layers + 1,  # the library counts the prediction before the first
        dim_feedforward=case.query_hidden,
        num_queries=case.queries,
        num_labels=case.num_classes,
    )
    return transformers.Mask2FormerForUniversalSegmentation(config).eval()


def ours_of(case: Case, execution: str = "lean") -> Mask2Former:
    if case.swin:
        backbone = SwinTransformer(depths=case.depths, **case.swin)
    else:
        backbone = ResNet(depths=case.depths, norm=FrozenBatchNorm2d, **case.resnet)
    return (PublishedMask2Former if execution == "paper" else Mask2Former)(
        backbone=backbone,
        pixel_decoder=PixelDecoder(
            in_channels=backbone.out_channels,
            dim=case.dim,
            mask_dim=case.mask_dim,
            layers=case.pixel_layers,
            heads=case.heads,
            hidden=case.pixel_hidden,
            points=POINTS,
            as_grid_sample=execution == "paper",
        ),
        query_decoder=QueryDecoder(
            num_classes=case.num_classes,
            dim=case.dim,
            mask_dim=case.mask_dim,
            queries=case.queries,
            layers=case.query_layers,
            heads=case.heads,
            hidden=case.query_hidden,
        ),
    ).eval()


def frame_of(case: Case) -> torch.Tensor:
    return torch.randint(0, 256, (3, *case.size), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)


def assert_same_logits(ours: Mask2Former, theirs: torch.nn.Module, frame: torch.Tensor) -> None:
    # In double precision: random weights amplify rounding, and a mask near its threshold decides what is attended to.
    ours, theirs, frame = ours.double(), theirs.double(), frame.double()
    mean, std = (torch.tensor(values, dtype=torch.double).view(3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    pixels = pad_to_multiple(((frame - mean) / std)[None], PADDING)
    with torch.inference_mode():
        expected = theirs(pixel_values=pixels)
        segments = ours(frame)
    # Not all queries say the same, or the comparison would say little.
    assert expected.class_queries_logits.std(1).max() > 0.1
    assert expected.masks_queries_logits.std(1).max() > 0.1
    torch.testing.assert_close(segments.class_logits, expected.class_queries_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(segments.mask_logits, expected.masks_queries_logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("execution", ["lean", "paper"])
@pytest.mark.parametrize("name", CASES)
def test_same_logits(name, execution, filled):
    theirs = filled(theirs_of(CASES[name]), seed=1)
    ours = ours_of(CASES[name], execution)
    report = load_checkpoint(ours, theirs.state_dict())
    assert (report.kind, report.missing) == ("transformers", ())
    assert_same_logits(ours, theirs, frame_of(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_what_is_left_over_takes_no_part(name, filled):
    report = load_checkpoint(ours_of(CASES[name]), filled(theirs_of(CASES[name]), seed=1).state_dict())
    # Loss weights, counters, and a norm of Swin's last map that Mask2Former does not use.
    unused = r"criterion\..*|.*\.num_batches_tracked|.*relative_position_index|backbone\.layernorm\.(weight|bias)"
    assert [key for key in report.left_over if not re.fullmatch(unused, key)] == []


@pytest.mark.parametrize("name", ["swin", "resnet"])
def test_saved_weights(name, filled, tmp_path):
    theirs = filled(theirs_of(CASES[name]), seed=2)
    theirs.save_pretrained(tmp_path)
    ours = ours_of(CASES[name])
    report = load_checkpoint(ours, tmp_path / "model.safetensors")
    assert (report.kind, report.missing) == ("transformers", ())
    assert_same_logits(ours, theirs, frame_of(CASES[name]))


LONG = {"q": "query", "k": "key", "v": "value"}
# Names of the files on the library's hub, which its newer versions rename as they load them.
OLDER_NAMES = (
    (r"\.encoder\.swin\.", ".encoder."),
    (r"\.encoder\.embeddings\.", ".encoder.embeddings."),
    (r"\.attention\.([qkv])_proj\.", lambda m: f".attention.self.{LONG[m[1]]}."),
    (r"\.attention\.o_proj\.", ".attention.output.dense."),
    (r"\.attention\.relative_position_bias\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)


def older_name(name: str) -> str:
    if ".pixel_level_module.encoder." in name:
        for pattern, replacement in OLDER_NAMES:
            name = re.sub(pattern, replacement, name)
    return name


@pytest.mark.parametrize("name", ["swin", "swin-padded"])
def test_older_names_of_swin(name, filled):
    theirs = filled(theirs_of(CASES[name]), seed=3)
    older = {older_name(key): tensor for key, tensor in theirs.state_dict().items()}
    block = "model.pixel_level_module.encoder.encoder.layers.0.blocks.0"
    assert {
        f"{block}.attention.self.query.weight",
        f"{block}.attention.self.relative_position_bias_table",
        f"{block}.attention.output.dense.bias",
        f"{block}.intermediate.dense.weight",
        f"{block}.output.dense.weight",
        "model.pixel_level_module.encoder.embeddings.patch_embeddings.projection.weight",
        "model.pixel_level_module.encoder.hidden_states_norms.stage1.weight",
    } <= set(older)
    ours = ours_of(CASES[name])
    report = load_checkpoint(ours, older)
    assert (report.kind, report.missing) == ("transformers", ())
    assert_same_logits(ours, theirs, frame_of(CASES[name]))
