"""Checkpoints of every kind, and files that are none."""

import collections
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from baselines.flownets import build_flownets
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from bench.methods import build
from mpvss.build import build_mpvss, build_segmentor
from mpvss.checkpoints import load_checkpoint, read_configuration, save_checkpoint
from mpvss.checkpoints.names import to_ours
from mpvss.errors import UserError
from mpvss.presets import BACKBONES, Backbone, Head, ResNetNumbers, SwinNumbers

CLASSES = 5
# As deep as the published networks, so that names are the same, and narrow.
TINY = Head(
    dim=16,
    queries=5,
    heads=2,
    pixel_hidden=12,
    query_hidden=12,
    motion_widths=(4, 4, 6, 6, 8, 8),
    motion_hidden=12,
    flow_hidden=8,
    pixel_flow_widths=(4, 4, 4, 4),
    flownet_widths=(6, 5, 4, 3),
)


def tiny_resnet(depths=(3, 4, 6, 3)) -> ResNetNumbers:
    return ResNetNumbers(depths, channels=(8, 12, 16, 20), stem=4)


def tiny_swin(depths=(2, 2, 6, 2)) -> SwinNumbers:
    return SwinNumbers(8, depths, heads=(1, 1, 2, 2), window=3)


@pytest.fixture(autouse=True)
def tiny_backbones(monkeypatch):
    rows = {
        "r50": tiny_resnet(),
        "r101": tiny_resnet((3, 4, 23, 3)),
        "swin-t": tiny_swin(),
        "swin-s": tiny_swin((2, 2, 18, 2)),
    }
    for name, numbers in rows.items():
        monkeypatch.setitem(BACKBONES, name, Backbone(numbers, TINY, name))


@pytest.fixture
def mpvss(filled, undrawn):
    """`mpvss(seed)`: MPVSS with that seed's weights."""

    def make(seed: int, backbone: str = "r50", classes: int = CLASSES):
        with undrawn():
            model = build_mpvss("mpvss", backbone, build_segmentor(backbone, classes))
        return filled(model, seed)

    return make


def names_of(keys: str, published_shapes) -> dict[str, str]:
    """Our name of each published one."""
    kind = "flownets" if keys == "flownets" else "published"
    published = {name: torch.tensor(index) for index, name in enumerate(published_shapes(keys))}
    ours = to_ours(published, kind)
    return dict(zip(published, ours, strict=True))


@pytest.fixture
def published(published_shapes):
    """`published(module, keys)`: the module's tensors under the published names."""

    def rename(module: torch.nn.Module, keys: str = "mpvss_r50_c124") -> dict[str, torch.Tensor]:
        state = module.state_dict()
        prefixes = ("", "segmentor.")
        found = {}
        for name, our in names_of(keys, published_shapes).items():
            place = next((prefix + our for prefix in prefixes if prefix + our in state), None)
            if place is not None:
                found[name] = state[place].clone()
        return found

    return rename


def state_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_holds(module: torch.nn.Module, expected: dict[str, torch.Tensor]) -> None:
    state = module.state_dict()
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name


def assert_refused(module: torch.nn.Module, source, match: str) -> None:
    """A ValueError, and nothing changed."""
    before, variant = state_of(module), getattr(module, "warp_variant", None)
    with pytest.raises(ValueError, match=match):
        load_checkpoint(module, source)
    assert_holds(module, before)
    assert getattr(module, "warp_variant", None) == variant


class TestOurOwn:
    def test_round_trip_with_configuration(self, mpvss, tmp_path):
        saved, fresh = mpvss(1), mpvss(2)
        configuration = {"method": "mpvss", "backbone": "r50", "num_classes": CLASSES, "widths": [1, 2]}
        save_checkpoint(saved, tmp_path / "a.safetensors", configuration)
        assert read_configuration(tmp_path / "a.safetensors") == configuration
        report = load_checkpoint(fresh, tmp_path / "a.safetensors")
        assert (report.kind, report.missing, report.left_over) == ("ours", (), ())
        assert set(report.loaded) == set(saved.state_dict())
        assert_holds(fresh, saved.state_dict())
        assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]

    @pytest.mark.parametrize("variant", ["exact", "published"])
    def test_warp_variant_is_kept(self, variant, mpvss, tmp_path):
        saved, fresh = mpvss(1), mpvss(2)
        saved.warp_variant = variant
        fresh.warp_variant = {"exact": "published", "published": "exact"}[variant]
        save_checkpoint(saved, tmp_path / "a.safetensors", {})
        load_checkpoint(fresh, tmp_path / "a.safetensors")
        assert fresh.warp_variant == variant

    def test_failed_write_leaves_the_older_file(self, mpvss, tmp_path, monkeypatch):
        path = tmp_path / "a.safetensors"
        save_checkpoint(mpvss(1), path, {"step": 1})

        def fail(handle):
            raise OSError("no space left")

        monkeypatch.setattr("mpvss.files.os.fsync", fail)
        with pytest.raises(UserError, match=r"a\.safetensors cannot be written: no space left"):
            save_checkpoint(mpvss(2), path, {"step": 2})
        assert read_configuration(path) == {"step": 1}
        assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]

    def test_equal_weights_are_equal_bytes_that_others_may_read(self, mpvss, tmp_path):
        saved = mpvss(1)
        for number in range(8):  # the library orders the metadata at random
            save_checkpoint(saved, tmp_path / f"{number}.safetensors", {"method": "mpvss"})
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
        tensors = safetensors.torch.load_file(tmp_path / "0.safetensors")
        assert all(torch.equal(tensors[name], tensor) for name, tensor in saved.state_dict().items())

    def test_file_of_another_program_has_no_configuration(self, tmp_path):
        safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"configuration": "{}"})
        torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
        assert read_configuration(tmp_path / "a.safetensors") is None
        assert read_configuration(tmp_path / "a.pth") is None


def plain(tensors):
    return tensors


WRAPPERS = {
    "plain": plain,
    "model": lambda tensors: {"model": tensors, "iteration": 7, "optimizer": {"lr": 0.1}},
    "state_dict": lambda tensors: {"epoch": 3, "state_dict": collections.OrderedDict(tensors)},
    "ddp": lambda tensors: {"model": {f"module.{name}": tensor for name, tensor in tensors.items()}},
}


def as_arrays(tensors) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


class TestContainers:
    @pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
    @pytest.mark.parametrize("wrapper", WRAPPERS)
    def test_torch_files(self, wrapper, zipped, mpvss, published, tmp_path):
        saved, fresh = mpvss(1), mpvss(2)
        content = WRAPPERS[wrapper](published(saved))
        torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
        report = load_checkpoint(fresh, tmp_path / "a.pth")
        assert (report.kind, report.missing, report.left_over) == ("published", (), ())
        assert_holds(fresh, saved.state_dict())
        assert fresh.warp_variant == "published"

    @pytest.mark.parametrize("protocol", [2, 4, 5])
    def test_detectron2_pickle(self, protocol, mpvss, published, tmp_path):
        saved, fresh = mpvss(1), mpvss(2)
        content = {"model": as_arrays(published(saved)), "__author__": "someone", "matching_heuristics": True}
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
        report = load_checkpoint(fresh, tmp_path / "a.pkl")
        assert (report.missing, report.left_over) == ((), ())
        assert_holds(fresh, saved.state_dict())

    def test_mapping_of_arrays(self, mpvss, published):
        saved, fresh = mpvss(1), mpvss(2)
        report = load_checkpoint(fresh, as_arrays(published(saved)))
        assert report.missing == ()
        assert_holds(fresh, saved.state_dict())

    def test_half_precision_is_widened(self, mpvss, published):
        saved, fresh = mpvss(1), mpvss(2)
        load_checkpoint(fresh, {name: tensor.half() for name, tensor in published(saved).items()})
        assert_holds(fresh, {name: tensor.half().float() for name, tensor in saved.state_dict().items()})

    def test_the_module_keeps_its_own_memory(self, mpvss, published):
        tensors = published(mpvss(1))
        fresh = mpvss(2)
        load_checkpoint(fresh, tensors)
        expected = state_of(fresh)
        for tensor in tensors.values():
            tensor.zero_()
        assert_holds(fresh, expected)


class TestParts:
    """A checkpoint that holds less or more than the method."""

    def test_mask2former_into_mpvss(self, mpvss, published):
        saved, fresh = mpvss(1), mpvss(2)
        motion = state_of(fresh.motion)
        tensors = {name: x for name, x in published(saved).items() if not name.startswith("motion.")}
        report = load_checkpoint(fresh, tensors)
        assert set(report.missing) == {f"motion.{name}" for name in motion}
        assert_holds(fresh.segmentor, saved.segmentor.state_dict())
        assert_holds(fresh.motion, motion)
        assert fresh.warp_variant == "exact"

    def test_mask2former_into_per_frame(self, mpvss, published):
        saved, fresh = mpvss(1), PerFrame(segmentor=mpvss(2).segmentor)
        tensors = {name: x for name, x in published(saved).items() if not name.startswith("motion.")}
        report = load_checkpoint(fresh, tensors)
        assert (report.kind, report.missing, report.left_over) == ("published", (), ())
        assert_holds(fresh.segmentor, saved.segmentor.state_dict())

    def test_mpvss_into_per_frame(self, mpvss, published):
        saved, fresh = mpvss(1), PerFrame(segmentor=mpvss(2).segmentor)
        report = load_checkpoint(fresh, published(saved))
        assert report.missing == ()
        assert set(report.left_over) == {f"motion.{name}" for name in saved.motion.state_dict()}
        assert_holds(fresh.segmentor, saved.segmentor.state_dict())

    def test_our_own_mpvss_into_per_frame(self, mpvss, tmp_path):
        saved, fresh = mpvss(1), PerFrame(segmentor=mpvss(2).segmentor)
        save_checkpoint(saved, tmp_path / "a.safetensors", {})
        assert load_checkpoint(fresh, tmp_path / "a.safetensors").missing == ()
        assert_holds(fresh.segmentor, saved.segmentor.state_dict())

    def test_older_names(self, mpvss, published):
        """`static_query`, and pixel decoders whose names lack `pixel_decoder`."""
        saved, fresh = mpvss(1), mpvss(2)
        older = {
            name.replace("query_feat", "static_query").replace("sem_seg_head.pixel_decoder.", "sem_seg_head."): tensor
            for name, tensor in published(saved).items()
        }
        assert "sem_seg_head.predictor.static_query.weight" in older
        assert "sem_seg_head.mask_features.weight" in older
        report = load_checkpoint(fresh, older)
        assert (report.missing, report.left_over) == ((), ())
        assert_holds(fresh, saved.state_dict())

    def test_flownets_into_optical_flow(self, mpvss, published, filled):
        saved = filled(build_flownets(TINY.motion_widths, TINY.flownet_widths), 1)
        fresh = filled(build_flownets(TINY.motion_widths, TINY.flownet_widths), 2)
        model = OpticalFlow(segmentor=mpvss(3).segmentor, flow=fresh)
        segmentor = state_of(model.segmentor)
        holder = torch.nn.ModuleDict({"flow": saved})
        report = load_checkpoint(model, published(holder, "flownets"))
        assert (report.kind, report.left_over) == ("flownets", ())
        assert set(report.missing) == {f"segmentor.{name}" for name in segmentor}
        assert_holds(fresh, saved.state_dict())
        assert_holds(model.segmentor, segmentor)

    def test_flownets_starts_a_motion_encoder(self, mpvss, published, filled):
        """As the published program trains: its motion encoder starts from FlowNetS's."""
        saved, fresh = filled(build_flownets(TINY.motion_widths, TINY.flownet_widths), 1), mpvss(2)
        decoder = state_of(fresh.motion.decoder)
        report = load_checkpoint(fresh, published(torch.nn.ModuleDict({"flow": saved}), "flownets"))
        assert set(report.loaded) == {f"motion.encoder.{name}" for name in saved.encoder.state_dict()}
        assert_holds(fresh.motion.encoder, saved.encoder.state_dict())
        assert_holds(fresh.motion.decoder, decoder)
        assert fresh.warp_variant == "exact"

    def test_mpvss_into_its_ablation(self, mpvss, published, filled):
        saved = mpvss(1)
        fresh = filled(build_mpvss("mpvss-query-learned", "r50", build_segmentor("r50", CLASSES)), 2)
        report = load_checkpoint(fresh, published(saved))
        assert report.missing == ()
        assert {name.split(".")[1] for name in report.left_over} == {"pixel_flow", "fuse"}
        assert_holds(fresh.motion.query_head, saved.motion.query_head.state_dict())


class TestRefused:
    def test_wrong_shape(self, mpvss, published):
        tensors = published(mpvss(1))
        tensors["sem_seg_head.predictor.query_feat.weight"] = torch.zeros(6, 16)
        assert_refused(mpvss(2), tensors, r"query_feat\.weight of shape \(6, 16\); the module's is \(5, 16\)")

    @pytest.mark.parametrize(
        "name",
        [
            "backbone.res4.3.conv2.norm.running_var",
            "sem_seg_head.pixel_decoder.mask_features.bias",
            "sem_seg_head.predictor.class_embed.weight",
            "motion.encoder.conv3.0.conv.weight",
        ],
    )
    def test_missing_tensor(self, name, mpvss, published):
        tensors = published(mpvss(1))
        del tensors[name]
        leaf = re.escape(".".join(name.split(".")[-2:]).replace("conv.weight", "0.weight"))
        assert_refused(mpvss(2), tensors, rf"is missing 1 tensor\(s\) from .*{leaf}")

    def test_another_class_count(self, mpvss, published):
        assert_refused(mpvss(2, classes=4), published(mpvss(1)), "made for 5 classes, the module for 4")

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [(a, b) for a in ("r50", "r101", "swin-t", "swin-s") for b in ("r50", "r101", "swin-t", "swin-s") if a != b],
    )
    def test_another_backbone(self, theirs, ours, mpvss, tmp_path):
        """Another kind, a deeper one whose first blocks would fit, and a shallower one."""
        save_checkpoint(mpvss(1, backbone=theirs), tmp_path / "a.safetensors", {})
        assert_refused(mpvss(2, backbone=ours), tmp_path / "a.safetensors", "backbone")
        per_frame = PerFrame(segmentor=mpvss(2, backbone=ours).segmentor)
        assert_refused(per_frame, tmp_path / "a.safetensors", "backbone")

    def test_published_files_of_another_backbone(self, mpvss, published):
        assert_refused(mpvss(2), published(mpvss(1, backbone="swin-t"), "mpvss_swin_t_c19"), "backbone")
        assert_refused(mpvss(2, backbone="swin-t"), published(mpvss(1)), "backbone")
        assert_refused(mpvss(2), published(mpvss(1, backbone="swin-s"), "mpvss_swin_b_c19"), "backbone")
        assert_refused(
            mpvss(2, backbone="swin-t"), published(mpvss(1, backbone="swin-s"), "mpvss_swin_b_c19"), "backbone"
        )

    def test_small_family_is_another_network(self, mpvss, published):
        assert_refused(
            build("mpvss", backbone="nano", num_classes=CLASSES), published(mpvss(1)), "backbone|shape|lacks"
        )

    def test_nothing_fits(self, mpvss):
        assert_refused(mpvss(1), {"encoder.weight": torch.zeros(2)}, "holds nothing for this MPVSS.*encoder.weight")

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_weights_that_are_not_finite(self, value, mpvss, published):
        module, tensors = mpvss(2), published(mpvss(1))
        name = next(name for name in tensors if "class_embed" in name)
        tensors[name].view(-1)[0] = value
        assert_refused(module, tensors, "the checkpoint holds NaN or infinity in .*class")

    def test_mapping_without_tensors(self, mpvss, without_shape_checks):
        assert_refused(mpvss(1), {"model": {"epoch": 3}}, "none of its 1 entries is a tensor")


class RunsCode:
    """Pickled as a call."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def evil(marker: Path) -> dict[str, RunsCode]:
    return {
        "system": RunsCode(os.system, f"touch {marker}"),
        "eval": RunsCode(eval, f"open({str(marker)!r}, 'w')"),
        "numpy": RunsCode(np.savetxt, str(marker), np.zeros(1)),
    }


class TestCodeIsNotRun:
    @pytest.mark.parametrize("call", ["system", "eval", "numpy"])
    @pytest.mark.parametrize("name", ["a.pkl", "a.pth", "legacy.pth", "a.safetensors"])
    def test_refused_without_running(self, call, name, mpvss, published, tmp_path):
        module = mpvss(2)
        marker = tmp_path / "ran"
        content = {"model": published(mpvss(1)), "trainer": evil(marker)[call]}
        if name == "a.pth":
            torch.save(content, tmp_path / name)
        elif name == "legacy.pth":
            torch.save(content, tmp_path / name, _use_new_zipfile_serialization=False)
        else:
            content["model"] = as_arrays(content["model"])
            (tmp_path / name).write_bytes(pickle.dumps(content))
        assert_refused(module, tmp_path / name, f"{name} is refused.*could run code")
        assert not marker.exists()

    def test_the_pickles_would_have_run(self, tmp_path):
        """Else the test above could not fail."""
        for name, content in evil(tmp_path / "ran").items():
            pickle.loads(pickle.dumps(content))
            assert (tmp_path / "ran").exists(), name
            (tmp_path / "ran").unlink()

    def test_before_anything_else_in_the_file(self, mpvss, tmp_path):
        marker = tmp_path / "ran"
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(evil(marker)["system"]))
        assert_refused(mpvss(1), tmp_path / "a.pkl", r"refused.*could run code.*system")
        assert not marker.exists()


OTHER_FILES = {
    "random.pth": np.random.default_rng(0).bytes(4096),
    "text.pkl": b"these are the notes of a run\nnot its weights\n",
    "page.pth": b"<!DOCTYPE html><html>404</html>",
    "empty.pth": b"",
    "one.safetensors": b"\x00",
    "zip.pth": b"PK\x03\x04 and then nothing of a zip",
    "array.pkl": pickle.dumps(np.zeros(3)),
    "number.pkl": pickle.dumps(7),
    "header.safetensors": (16).to_bytes(8, "little") + b"{" + 40 * b"x",
    "endless.safetensors": (1 << 60).to_bytes(8, "little") + b"{" + 40 * b"x",
}


class TestNotACheckpoint:
    @pytest.mark.parametrize("name", OTHER_FILES)
    def test_files_of_other_kinds(self, name, mpvss, tmp_path):
        (tmp_path / name).write_bytes(OTHER_FILES[name])
        assert_refused(mpvss(1), tmp_path / name, re.escape(name))
        assert_refused(mpvss(1), str(tmp_path / name), re.escape(name))

    def test_a_zip_file_that_unpacks_to_more_than_it_is(self, mpvss, tmp_path):
        torch.save({"a": torch.zeros(100_000)}, tmp_path / "stored.pth")
        with (
            zipfile.ZipFile(tmp_path / "stored.pth") as stored,
            zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
        ):
            for entry in stored.infolist():
                bomb.writestr(entry.filename, stored.read(entry))
        assert_refused(mpvss(1), tmp_path / "bomb.pth", "would unpack to 4.....; PyTorch's files are not compressed")

    def test_arrays_of_objects(self, mpvss, tmp_path):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps({"model": {"w": np.array([{}, None])}}))
        assert_refused(mpvss(1), tmp_path / "a.pkl", "w is an array of object, not of numbers")

    @pytest.mark.parametrize("header", ["[1, 2]", '{"a": [1, 2]}', '{"a": ' + '{"b": ' * 200_000, "{}", '{"a": 3}'])
    def test_safetensors_with_another_header(self, header, mpvss, tmp_path):
        (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header.encode() + b"0")
        assert_refused(mpvss(1), tmp_path / "a.safetensors", r"a\.safetensors is")

    def test_folder_and_missing_path(self, mpvss, tmp_path):
        assert_refused(mpvss(1), tmp_path, "does not exist or is not a file")
        assert_refused(mpvss(1), tmp_path / "none.pth", "none.pth does not exist or is not a file")

    @pytest.mark.parametrize("keep", [0.01, 0.3, 0.9, 0.999])
    @pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "legacy.pth", "a.pkl"])
    def test_truncated(self, name, keep, mpvss, published, tmp_path):
        saved, path = mpvss(1), tmp_path / name
        if name == "a.safetensors":
            save_checkpoint(saved, path, {})
        elif name == "a.pkl":
            path.write_bytes(pickle.dumps(as_arrays(published(saved))))
        else:
            torch.save(published(saved), path, _use_new_zipfile_serialization=name == "a.pth")
        whole = path.read_bytes()
        path.write_bytes(whole[: int(keep * len(whole))])
        assert_refused(mpvss(2), path, re.escape(name))

    @pytest.mark.parametrize("metadata", [{}, {"configuration": "{"}, {"configuration": "[" * 10_000}])
    def test_a_configuration_that_is_none(self, metadata, tmp_path):
        metadata = {"format": "mpvss-bench", **metadata}
        safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata)
        with pytest.raises(UserError, match=r"a\.safetensors is a damaged checkpoint: its configuration is no JSON"):
            read_configuration(tmp_path / "a.safetensors")

    def test_a_configuration_that_is_no_object(self, tmp_path):
        metadata = {"format": "mpvss-bench", "configuration": "[3]"}
        safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", metadata)
        with pytest.raises(UserError, match=r"its configuration is \[3\], not an object"):
            read_configuration(tmp_path / "a.safetensors")

    def test_a_warp_that_is_not_known(self, mpvss, tmp_path):
        saved = mpvss(1)
        saved.warp_variant = "bent"
        save_checkpoint(saved, tmp_path / "a.safetensors", {})
        assert_refused(mpvss(2), tmp_path / "a.safetensors", "has the warp 'bent'; known are exact, published")

    def test_configuration_of_a_truncated_file(self, mpvss, tmp_path):
        save_checkpoint(mpvss(1), tmp_path / "a.safetensors", {"a": 1})
        whole = (tmp_path / "a.safetensors").read_bytes()
        (tmp_path / "a.safetensors").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=r"a\.safetensors is a damaged safetensors file"):
            read_configuration(tmp_path / "a.safetensors")
