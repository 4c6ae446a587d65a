"""The comparison with the transformers library: what is compared can differ, and the arithmetic is right."""

import json
from statistics import median

import pytest
import torch

from bench.measure.peer import compare as peer
from bench.measure.time.modes import Mode
from bench.report import report


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            peer, "_in_new_process", lambda name, *_: {"before": 100, "peak": {"peer": 300, "key": 200}[name]}
        )
        return peer.compare_with_peer(
            backbone="swin-t",
            size=(96, 160),
            num_classes=19,
            rounds=3,
            device=torch.device("cpu"),
            mode=Mode(amp="bfloat16"),
        )


def test_labels_of_many_classes_are_compared(result):
    assert result["labels"]["pixels"] == 96 * 160
    assert result["labels"]["classes"] > 3
    plain, half = result["modes"]
    assert (plain["name"], half["name"]) == ("float32", "bfloat16")
    unlike = {(row["frame"], row["beside"]): row for row in plain["labels_unlike"]}
    assert set(unlike) == {("key", "published graph"), ("non-key", "published graph"), ("key", "peer")}
    # In single precision labels differ where two classes all but tie, and nowhere else.
    assert all(row["pixels"] == 0 or row["widest_gap"] < 1e-4 for row in unlike.values())
    unlike = {(row["frame"], row["beside"]): row["pixels"] for row in half["labels_unlike"]}
    assert set(unlike) == {("key", "peer"), ("key", "float32"), ("non-key", "float32")}
    assert 0 < unlike["key", "float32"] < 96 * 160 / 4


def test_ratios_by_arithmetic(result):
    for mode in result["modes"]:
        samples = mode["samples_s"]
        assert {name: len(times) for name, times in samples.items()} == {"peer": 3, "key": 3, "non-key": 3}
        assert mode["median_s"] == {name: median(times) for name, times in samples.items()}
        assert mode["ratio_to_peer"]["key"] == median(samples["key"]) / median(samples["peer"])
    assert result["memory_ratio_to_peer"] == {"peak": 200 / 300, "peak_over_before": 100 / 200}


def test_differences_are_counted_with_their_widest_gap():
    scores = torch.tensor([[[0.9, 0.5, 0.3]], [[0.1, 0.25, 0.2]]])
    unlike = peer._Unlike({"key": scores})
    unlike.add("float32", "key", "peer", torch.tensor([[0, 1, 1]]), torch.tensor([[0, 0, 0]]))
    unlike.add("float32", "key", "itself", torch.tensor([[0, 1, 1]]), torch.tensor([[0, 1, 1]]))
    assert [(row["pixels"], row["widest_gap"]) for row in unlike.found["float32"]] == [(2, 0.25), (0, None)]


def in_older_words(of_kind):
    """Schemas 1 and 2 called a non-key frame `other`."""
    return {"other" if kind == "non-key" else kind: value for kind, value in of_kind.items()}


def test_a_file_of_the_first_schema_is_reported(result, tmp_path):
    plain = result["modes"][0]
    old = {name: plain[name] for name in ("samples_s", "median_s", "ratio_to_peer")}
    old |= {name: result[name] for name in ("configuration", "environment", "memory_bytes", "memory_ratio_to_peer")}
    old = {**old, **{name: in_older_words(old[name]) for name in ("samples_s", "median_s", "ratio_to_peer")}}
    for schema, folder in ((1, "old"), (3, "new"), (9, "later")):
        (tmp_path / folder).mkdir()
        record = {**(old if schema == 1 else result), "schema": schema}
        (tmp_path / folder / "peer-x.json").write_text(json.dumps(record))
    rows = {}
    for folder in ("old", "new"):
        report([tmp_path / folder], tmp_path / f"{folder}-report", ["csv"])
        rows[folder] = (tmp_path / f"{folder}-report" / "tables" / "peer.csv").read_text().splitlines()
    assert len(rows["old"]) == 2
    assert len(rows["new"]) == 3
    assert rows["old"][1].split(",")[:9] == rows["new"][1].split(",")[:9]
    with pytest.raises(ValueError, match=r"peer-x\.json has schema 9; this version reads schemas up to 3"):
        report([tmp_path / "later"], tmp_path / "out")


@pytest.mark.parametrize(
    ("asked", "message"), [({"backbone": "r50"}, "built with swin-t"), ({"rounds": 0}, "rounds is 0")]
)
def test_what_cannot_be_compared_is_refused(asked, message):
    given = {"backbone": "swin-t", "size": (64, 64), "num_classes": 5, "rounds": 1, **asked}
    with pytest.raises(ValueError, match=message):
        peer.compare_with_peer(**given, device=torch.device("cpu"), mode=Mode())
