"""Kept label maps: lossless, whole, and refused where they are damaged or another cell's."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from bench.runs.kept_labels import KeptClipWriter, LabelStore, decode, encode
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError

KEY = CellKey("micro", "optical-flow@fine-tuned", 5)
OTHER = CellKey("micro", "copy", 5)
MAPS = np.random.default_rng(0).integers(0, 3, (4, 6, 9), np.uint8)
PALETTE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


@pytest.fixture
def store(tmp_path):
    store = LabelStore(tmp_path)
    keep(store, KEY)
    return store


def keep(store: LabelStore, key: CellKey, clip: str = "street/1", distances=(None,)) -> None:
    writer = KeptClipWriter(key, clip)
    for frame, labels in enumerate(MAPS):
        for distance in reversed(distances):
            writer.add(frame, distance, labels.shape, encode(labels, PALETTE))
    writer.save(store, 2)


@pytest.mark.parametrize("classes", [1, 2, 3, 4, 5, 16, 17, 255])
def test_a_map_comes_back_as_it_was(classes):
    labels = np.random.default_rng(classes).integers(0, classes, (37, 53), np.uint8)
    labels[0, 0] = classes - 1
    palette = np.random.default_rng(1).integers(0, 256, (classes, 3), np.uint8)
    png = encode(labels, palette)
    np.testing.assert_array_equal(decode(png, 37, 53), labels)
    shown = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    np.testing.assert_array_equal(shown, palette[labels])


def test_a_file_holds_what_was_added_in_its_order(store):
    found = list(store.read(KEY, 2, "street/1").maps())
    assert [(kept.frame, kept.distance) for kept in found] == [(frame, None) for frame in range(4)]
    np.testing.assert_array_equal(np.stack([kept.labels for kept in found]), MAPS)
    keep(store, OTHER, distances=(0, 1, 2))
    found = list(store.read(OTHER, 2, "street/1").maps())
    assert [(kept.frame, kept.distance) for kept in found] == [(f, d) for f in range(4) for d in range(3)]


def test_any_tool_can_read_it_and_the_same_maps_give_the_same_file(store, tmp_path):
    file = store.file(KEY, 2, "street/1")
    assert file.relative_to(tmp_path).as_posix() == "labels/micro--optical-flow%40fine-tuned--005/00002-street%2F1.zip"
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["about.json", *(f"00000{frame}.png" for frame in range(4))]
        assert json.loads(archive.read("about.json"))["frames"] == [0, 1, 2, 3]
    before = file.read_bytes()
    keep(store, KEY)
    assert file.read_bytes() == before


def test_a_file_that_is_missing_is_named(store):
    with pytest.raises(UserError, match=r"00001-street%2F1.zip is missing; rerun the sweep with --keep labels"):
        store.read(KEY, 1, "street/1")


def test_files_of_another_cell_or_clip_are_named(store):
    file = store.file(KEY, 2, "street/1")
    for key, clip in ((OTHER, "street/1"), (KEY, "room/2")):
        place = store.file(key, 2, clip)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(file.read_bytes())
        with pytest.raises(UserError, match=f"in clip street/1, not of {key.method} .* in clip {clip}; delete it"):
            store.read(key, 2, clip)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_file_that_was_cut_is_named(store, share):
    file = store.file(KEY, 2, "street/1")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"00002-street%2F1.zip is damaged .*; delete it, and rerun"):
        list(store.read(KEY, 2, "street/1").maps())


def test_a_changed_byte_is_found_wherever_it_is(store):
    file = store.file(KEY, 2, "street/1")
    content = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        starts = [entry.header_offset for entry in archive.infolist()]
    for start in starts:
        name = int.from_bytes(content[start + 26 : start + 28], "little")
        place = start + 30 + name + 20  # the content of the entry, past its head
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UserError, match="damaged"):
            list(store.read(KEY, 2, "street/1").maps())


def test_a_map_of_another_size_or_kind_is_named(store):
    file = store.file(KEY, 2, "street/1")
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    grey = io.BytesIO()
    Image.fromarray(MAPS[1]).save(grey, "PNG")
    for png in (encode(MAPS[1][:3], PALETTE), grey.getvalue(), b"GIF89a"):
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in {**content, "000001.png": png}.items():
                archive.writestr(name, data)
        with pytest.raises(UserError, match="is damaged"):
            list(store.read(KEY, 2, "street/1").maps())
