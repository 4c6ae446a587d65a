"""Video methods of other publications, by name."""

import pytest
import torch

from baselines.cffm.presets import LAYERS
from baselines.mrcfa.presets import REFINEMENTS
from baselines.original.accel import KNOWN_DEPTHS
from baselines.raft import RAFT
from bench.methods import build
from bench.methods.names import (
    BACKBONES,
    BUILT_METHODS,
    VIDEO_METHODS,
    backbone_names,
    branches,
    check_backbone,
    known_methods,
)
from bench.methods.parts import Parts, share_equal_networks
from bench.methods.registry import build_method
from mpvss.checkpoints import save_checkpoint
from mpvss.errors import UserError
from mpvss.video import LooksAhead, Prediction, VideoSegmenter, uses_key_frames

CLASSES = 7
SMALL = {
    "cffm": "mit-nano",
    "mrcfa": "mit-nano",
    "mrcfa-16": "mit-micro",
    "netwarp": "ocrnet-r18",
    "tcb": "ocrnet-r18",
    "dvsnet": "r50",
    "dff-original": "r50",
    "accel-original": "r101+r18",
}
GOLDEN = {
    "cffm": ("cffm_b0_c124_96x160_s31", 124),
    "mrcfa": ("mrcfa_b0_c124_96x160_s31", 124),
    "mrcfa-16": ("mrcfa16_b0_c19_96x160_s32", 19),
}
PLACES = (0, 3, 6, 9)
"""The frames of a clip that its tenth frame is segmented from."""


def make(method, row, **options):
    backbone, key_backbone = branches(method, row)
    return build(method, backbone=backbone, key_backbone=key_backbone, num_classes=CLASSES, **options)


def run(model, clip):
    """The predictions of a clip's frames, in turn; every later frame of the clip is coming."""
    predictions, state = [], None
    with torch.inference_mode():
        for index, frame in enumerate(clip):
            ahead = clip[index + 1 : index + 1 + getattr(model, "lookahead", 0)]
            coming = {"coming": ahead} if isinstance(model, LooksAhead) else {}
            if index == 0:
                prediction, state = model.segment(frame, **coming)
            else:
                prediction, state = model.propagate(frame, state, **coming)
            predictions.append(prediction)
    return predictions


def test_names():
    assert set(SMALL) == set(VIDEO_METHODS)
    assert known_methods()[: len(BUILT_METHODS)] == BUILT_METHODS
    assert set(VIDEO_METHODS["cffm"]) == set(LAYERS)
    assert set(VIDEO_METHODS["mrcfa"]) == set(VIDEO_METHODS["mrcfa-16"]) == set(REFINEMENTS)
    built = {branches("accel-original", row) for row in VIDEO_METHODS["accel-original"]}
    assert built == {*((f"r{depth}", "r101") for depth in KNOWN_DEPTHS), ("r18-nano", "r50-nano")}
    assert set(VIDEO_METHODS["dvsnet"]) - {"r50-nano"} < set(BACKBONES)


@pytest.mark.parametrize(("method", "row"), [(method, row) for method, rows in VIDEO_METHODS.items() for row in rows])
def test_every_row_is_built(method, row):
    with torch.device("meta"):
        model = make(method, row)
    assert isinstance(model, VideoSegmenter)
    assert (model.num_classes, model.training) == (CLASSES, False)


@pytest.mark.parametrize("method", VIDEO_METHODS)
def test_each_segments_a_clip(method, frames):
    for prediction in run(make(method, SMALL[method]), frames(64, 96, 5)):
        assert isinstance(prediction, Prediction)
        labels = prediction.labels()
        assert (labels.shape, labels.dtype) == ((64, 96), torch.uint8)
        assert labels.max() < CLASSES


def test_which_use_key_frames_and_which_look_ahead():
    models = {method: make(method, SMALL[method]) for method in VIDEO_METHODS}
    assert {method for method, model in models.items() if uses_key_frames(model)} == {"dff-original", "accel-original"}
    ahead = {method: model.lookahead for method, model in models.items() if isinstance(model, LooksAhead)}
    assert ahead == {"netwarp": 1, "tcb": 9}


@pytest.mark.parametrize("method", ["cffm", "mrcfa-16", "netwarp", "tcb"])
def test_both_executions_give_the_same_labels(method, frames, filled):
    clip = frames(64, 96, 12)
    lean, paper = (
        run(filled(make(method, SMALL[method], execution=execution), 5), clip) for execution in ("lean", "paper")
    )
    for ours, published in zip(lean, paper, strict=True):
        torch.testing.assert_close(ours.scores(), published.scores(), rtol=1e-3, atol=1e-4)
        best = published.scores().topk(2, dim=0).values
        sure = best[0] - best[1] > 1e-3
        assert torch.equal(ours.labels()[sure], published.labels()[sure])


@pytest.mark.parametrize("execution", ["lean", "paper"])
@pytest.mark.parametrize("method", GOLDEN)
def test_published_checkpoint_by_name(method, execution, tmp_path, rival_state, rival_arrays):
    """The tenth frame of a clip has the labels that the published program gives it."""
    case, classes = GOLDEN[method]
    golden = rival_arrays(case)
    file = tmp_path / "published.pth"
    torch.save({"state_dict": rival_state(case)}, file)
    built = build_method(method, backbone="mit-b0", num_classes=classes, weights=file, execution=execution)
    assert built.weights.startswith("published.pth (sha256 ")
    assert "untrained" not in built.weights
    images = torch.from_numpy(golden["images"])
    clip = [images[3]] * (PLACES[-1] + 1)
    for place, image in zip(PLACES, images, strict=True):
        clip[place] = image
    last = run(built.segmenter, clip)[-1]
    best = last.scores().topk(2, dim=0).values
    differ = last.labels() != torch.from_numpy(golden["labels"])
    assert (best[0] - best[1])[differ].numpy().max(initial=0) < 1e-4


def test_methods_on_one_ocrnet_share_it():
    parts = Parts(CLASSES)
    models = [
        build_method(method, backbone="ocrnet-r18", num_classes=CLASSES, parts=parts).module
        for method in ("per-frame", "netwarp", "tcb")
    ]
    assert len({id(model.segmentor) for model in models}) == 1


def test_a_padding_and_a_plain_segformer_stay_two():
    """MRCFA's SegFormer pads frames and CFFM-VSS's does not, whatever weights they hold."""
    cffm, mrcfa = (build(method, backbone="mit-nano", num_classes=CLASSES) for method in ("cffm", "mrcfa"))
    mrcfa.segmentor.load_state_dict(cffm.segmentor.state_dict())
    share_equal_networks([cffm, mrcfa])
    assert (cffm.segmentor.padding, mrcfa.segmentor.padding) == (1, 32)


@pytest.mark.parametrize("method", VIDEO_METHODS)
def test_own_checkpoints(method, tmp_path):
    file = tmp_path / "own.safetensors"
    trained = make(method, SMALL[method], seed=1)
    save_checkpoint(trained, file, {"method": method})
    loaded = make(method, SMALL[method], weights=file).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in trained.state_dict().items())


@pytest.mark.parametrize("row", ["ocrnet-nano", "ocrnet-r18"])
def test_the_small_netwarp_has_the_small_flownets(row):
    """In RAFT's place, which it would spend most of its time in."""
    parts = Parts(CLASSES)
    model = build_method("netwarp", backbone=row, num_classes=CLASSES, parts=parts).module
    assert (model.flow is parts.flow(row)) == (row == "ocrnet-nano")
    assert isinstance(model.flow, RAFT) == (row == "ocrnet-r18")


def test_small_rows_are_an_eighth_as_wide():
    dff, accel = make("dff-original", "r50-nano"), make("accel-original", "r50-nano+r18-nano")
    widths = {name: len(tensor) for name, tensor in accel.state_dict().items() if tensor.ndim}
    assert widths["segmentor.backbone.resnet.layer4.2.conv3.weight"] == 2048 // 8
    assert widths["segmentor.reduce.weight"] == widths["update.reduce.weight"] == 1024 // 8
    assert widths["update.backbone.blocks.7.conv2.weight"] == 512 // 8
    assert dff.segmentor.state_dict().keys() == accel.segmentor.state_dict().keys()
    dvsnet = make("dvsnet", "r50-nano")
    assert dvsnet.segmentor.pyramid[0][0].weight.shape[:2] == (256 // 8, 2048 // 8)
    assert dvsnet.flow.encoder.widths == dff.flow.encoder.widths == Parts(CLASSES).flow("micro").encoder.widths


PUBLISHED_TITLES = {
    "netwarp": "NetWarp",
    "tcb": "TCB",
    "dvsnet": "DVSNet",
    "dff-original": "DFF",
    "accel-original": "Accel",
}


class TestRefused:
    @pytest.mark.parametrize("method", PUBLISHED_TITLES)
    def test_checkpoints_whose_names_are_not_known(self, method, tmp_path):
        """They say so, whether PyTorch wrote the file or another program."""
        message = f"tensor names of the published {PUBLISHED_TITLES[method]} are not known here: rename its tensors"
        torch.save({"encoder.conv1.weight": torch.zeros(1)}, tmp_path / "theirs.pth")
        (tmp_path / "theirs.params").write_bytes(bytes.fromhex("1201000000000000") + bytes(64))
        row = {**SMALL, "dvsnet": "r50-nano", "dff-original": "r50-nano", "accel-original": "r50-nano+r18-nano"}[method]
        nothing = f"holds nothing for this (Original)?{PUBLISHED_TITLES[method]}.*"
        for file, reason in (("theirs.pth", nothing), ("theirs.params", "is not a checkpoint.*")):
            with pytest.raises(UserError, match=f"{reason}; the {message}"):
                make(method, row, weights=tmp_path / file)
        with pytest.raises(UserError, match=r"does not exist or is not a file$"):
            make(method, row, weights=tmp_path / "gone.pth")

    @pytest.mark.parametrize(("method", "row"), [("cffm", "mit-b3"), ("mrcfa", "r50"), ("tcb", "pspnet-r101")])
    def test_backbone_of_a_method(self, method, row):
        with pytest.raises(UserError, match=f"{method} has no backbone '{row}'; known are {VIDEO_METHODS[method][0]}"):
            make(method, row)

    def test_accel_without_its_key_branch(self):
        with pytest.raises(UserError, match=r"accel-original has no backbone 'r50\+r18'; known are r101, r101\+r18"):
            build("accel-original", backbone="r18", key_backbone="r50", num_classes=CLASSES)

    def test_backbone_that_only_video_methods_have(self):
        with pytest.raises(UserError, match="mit-b0 is swept as cffm, mrcfa, mrcfa-16; per-frame needs another"):
            build("per-frame", backbone="mit-b0", num_classes=CLASSES)
        with pytest.raises(UserError, match="mit-b0 is swept as cffm, mrcfa, mrcfa-16; copy needs another"):
            backbone_names(["mit-b0"], ["copy"])
        check_backbone("mit-b0", "cffm")

    @pytest.mark.parametrize(
        ("checkpoint", "method", "message"),
        [
            ("mrcfa-16", "mrcfa", "of another network: it has references at 1/16; the module has references at 1/32"),
            ("cffm", "mrcfa", "of another network: it has method CFFM-VSS; the module has method MRCFA"),
        ],
    )
    def test_checkpoint_of_another_variant(self, checkpoint, method, message, tmp_path):
        file = tmp_path / "other.safetensors"
        save_checkpoint(build(checkpoint, backbone="mit-nano", num_classes=CLASSES), file, {})
        with pytest.raises(UserError, match=message):
            build(method, backbone="mit-nano", num_classes=CLASSES, weights=file)
