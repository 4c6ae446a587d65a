"""Everything that reads a file: how a good one is made, and what reads it."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import made_card
import numpy as np
import safetensors.torch
import torch
from fake_sweep import sweep
from harness_fakes import small_data
from PIL import Image
from torch import nn

from bench.compare.runs import compare
from bench.data import open_dataset
from bench.data.image_files import read_frame, read_labels
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.gate.baseline import compare_counters, read_baseline
from bench.report.contents import make_report
from bench.report.study import read_study
from bench.report.tables.card import card_sheets
from bench.report.tables.formats import FORMATS
from bench.report.write import report
from bench.runs.card_folder import read_card
from bench.runs.kept_labels import KeptClipWriter, LabelStore, encode
from bench.runs.progress import Progress
from bench.runs.read import read_clip_counts, read_latency, read_operators, read_run, read_samples
from bench.runs.record_file import read_record
from bench.runs.records.cell import CellKey
from bench.runs.records.cost import CostRecord
from bench.runs.records.peer import PeerRecord
from bench.sweep import merge_parts
from bench.sweep.shard import Shard
from bench.train.read_config import read_config
from bench.train.tables import PRESETS
from mpvss.checkpoints import load_checkpoint, save_checkpoint
from mpvss.checkpoints.load import read_num_classes
from mpvss.errors import UserError
from mpvss.training.run_state import load_state, save_state

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ROOT / "results" / "measured"
KEPT = CellKey("micro", "copy", 5)


@dataclass(frozen=True)
class Reader:
    """A kind of file.

    Attributes:
        make: writes a good one into a folder; its path.
        read: reads it, as the commands do. It may raise UserError alone.
        share: how many of the inputs it gets, of the sum of all readers' shares.

    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    share: float = 1.0


def _copied(*parts: str) -> Callable[[Path], Path]:
    """Makes a copy of a measured file."""

    def make(folder: Path) -> Path:
        source = MEASURED.joinpath(*parts)
        return Path(shutil.copy(source, folder / source.name))

    return make


def _of_run(name: str) -> Callable[[Path], Path]:
    """Makes a small run, and gives the path of one of its files."""

    def make(folder: Path) -> Path:
        run, source = folder / "run", MEASURED / "small-methods"
        (run / "cells").mkdir(parents=True)
        shutil.copy(source / "run.json", run)
        for cell in ("copy--005", "mpvss--005", "per-frame--001"):
            shutil.copy(source / "cells" / f"micro--{cell}.json", run / "cells")
        return run / name

    return make


def _read_run(file: Path) -> None:
    run = file.parent if file.name == "run.json" else file.parents[1]
    for read in (read_run, read_samples, read_latency, read_operators, read_clip_counts):
        read(run)
    compare(run, MEASURED / "small-methods")
    compare(MEASURED / "small-methods", run)


def _make_report(file: Path) -> None:
    run = file.parent if file.name == "run.json" else file.parents[1]
    make_report(read_study([run]))
    report([run], file.parent / "report", ["md", "tex", "csv"])


def _read_costs(file: Path) -> None:
    read_record(file, CostRecord)
    report([file.parent], file.parent / "report", ["md", "csv"])


def _read_peer(file: Path) -> None:
    read_record(file, PeerRecord)
    report([file.parent], file.parent / "report", ["md", "csv"])


def _of_card(name: str) -> Callable[[Path], Path]:
    """Makes a card's folder, and gives the path of one of its files."""
    return lambda folder: made_card.make(folder / "card").path / name


def _read_card(file: Path) -> None:
    folder = file.parent if file.name == "card.json" else file.parents[1]
    for sheet in card_sheets(read_card(folder)):
        for render in FORMATS.values():
            render(sheet)


def _read_baseline(file: Path) -> None:
    compare_counters(read_baseline(ROOT / "results" / "ci-baseline.json"), read_baseline(file))
    compare_counters(read_baseline(file), read_baseline(ROOT / "results" / "ci-baseline.json"))


def _module() -> nn.Module:
    module = nn.Module()
    module.segmentor = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    return module


def _make_safetensors(folder: Path) -> Path:
    save_checkpoint(_module(), folder / "model.safetensors", {"method": "mpvss", "num_classes": 4})
    return folder / "model.safetensors"


def _make_pth(folder: Path) -> Path:
    torch.save({"model": _module().state_dict(), "iteration": 1}, folder / "model.pth")
    return folder / "model.pth"


def _make_old_pth(folder: Path) -> Path:
    torch.save(_module().state_dict(), folder / "model.pth", _use_new_zipfile_serialization=False)
    return folder / "model.pth"


def _make_pkl(folder: Path) -> Path:
    arrays = {name: tensor.numpy() for name, tensor in _module().state_dict().items()}
    (folder / "model.pkl").write_bytes(pickle.dumps({"model": arrays, "__author__": "x"}))
    return folder / "model.pkl"


def _load_weights(file: Path) -> None:
    load_checkpoint(_module(), file)
    read_num_classes(file)


def _make_state(folder: Path) -> Path:
    state = {
        "model": _module().state_dict(),
        "identity": "x",
        "done": 3,
        "optimiser": {"state": {}, "param_groups": []},
    }
    save_state(folder / "checkpoint.pt", {**state, "scaler": {}, "history": [{"step": 1.0}], "pending": {}})
    return folder / "checkpoint.pt"


def _make_partial(folder: Path) -> Path:
    score = Score(np.ones((1, 4, 4), np.int64), np.ones((4, 2)), 3)
    ClipStore(folder).save(0, "a", {Cell("mpvss", 5): score, Cell("copy", 2): score})
    return folder / "00000-a.npz"


def _read_partial(file: Path) -> None:
    said: list[str] = []
    ClipStore(file.parent, said.append).load(0, "a")
    if said:
        raise UserError(said[0].replace("\n", " "))  # it was set aside, and told


def _of_part(name: str) -> Callable[[Path], Path]:
    """Makes the two parts of a small sweep, and gives the path of a file of the first."""

    def make(folder: Path) -> Path:
        for number in (1, 2):
            shard, only = Shard(number, 2), ("accuracy",)
            sweep(folder / str(number), ("wander",), small_data(), backbones=("small",), shard=shard, only=only)
        return next((folder / "1").glob(name))

    return make


def _merge(file: Path) -> None:
    folder = next(above for above in file.parents if above.name == "1").parent
    try:
        merge_parts([folder / "1", folder / "2"], folder / "merged", progress=Progress(io.StringIO()))
    finally:
        shutil.rmtree(folder / "merged", ignore_errors=True)


def _make_image(ending: str, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pixels = np.random.default_rng(0).integers(0, 9, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"frame.{ending}", **options)
        return folder / f"frame.{ending}"

    return make


def _make_labels(folder: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (24, 32), np.uint8)).save(folder / "labels.png")
    return folder / "labels.png"


def _make_kept_labels(folder: Path) -> Path:
    writer = KeptClipWriter(KEPT, "clip")
    for number in range(4):
        labels = np.random.default_rng(number).integers(0, 3, (24, 32), np.uint8)
        writer.add(number, None, labels.shape, encode(labels, np.eye(3, dtype=np.uint8)))
    writer.save(LabelStore(folder), 0)
    return LabelStore(folder).file(KEPT, 0, "clip")


def _read_kept_labels(file: Path) -> None:
    list(LabelStore(file.parents[2]).read(KEPT, 0, "clip").maps())


def _make_video(folder: Path) -> Path:
    file = folder / "clip.mp4"
    with av.open(file, "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for number in range(4):
            pixels = np.full((48, 64, 3), 40 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file


def _read_video(file: Path) -> None:
    for clip in open_dataset(f"video:{file}", num_classes=3).clips:
        for _, _ in zip(range(20), clip.frames(), strict=False):
            pass


def _make_preset(folder: Path) -> Path:
    shutil.copy(PRESETS / "small-per-frame.toml", folder / "small.toml")
    return folder / "small.toml"


def _make_tensors(folder: Path) -> Path:
    tensors = {name: tensor.clone() for name, tensor in _module().state_dict().items()}
    safetensors.torch.save_file(tensors, folder / "a.safetensors", {"format": "pt"})
    return folder / "a.safetensors"


READERS: Mapping[str, Reader] = {
    "run.json": Reader(_of_run("run.json"), _read_run, 1),
    "cells/*.json": Reader(_of_run("cells/micro--mpvss--005.json"), _read_run, 2),
    "run.json, reported": Reader(_of_run("run.json"), _make_report, 0.1),
    "cells/*.json, reported": Reader(_of_run("cells/micro--mpvss--005.json"), _make_report, 0.1),
    "cost-*.json": Reader(_copied("cost-vspw.json"), _read_costs, 0.5),
    "peer-*.json": Reader(_copied("peer-cpu-1-thread.json"), _read_peer, 0.5),
    "card.json": Reader(_of_card("card.json"), _read_card, 0.5),
    "a card's cells/*.json": Reader(_of_card("cells/fps--table-1--MPVSS--R50.json"), _read_card, 0.5),
    "ci-baseline.json": Reader(
        lambda folder: Path(shutil.copy(ROOT / "results" / "ci-baseline.json", folder)), _read_baseline
    ),
    "safetensors": Reader(_make_safetensors, _load_weights, 2),
    "safetensors of others": Reader(_make_tensors, _load_weights),
    "pth": Reader(_make_pth, _load_weights, 2),
    "pth before 1.6": Reader(_make_old_pth, _load_weights),
    "pkl": Reader(_make_pkl, _load_weights, 2),
    "checkpoint.pt": Reader(_make_state, load_state, 2),
    "partial/*.npz": Reader(_make_partial, _read_partial, 2),
    "run.json of a part": Reader(_of_part("run.json"), _merge, 0.3),
    "cells/*.json of a part": Reader(_of_part("cells/*003.json"), _merge, 0.3),
    "partial/*.npz of a part": Reader(_of_part("partial/*/*.npz"), _merge, 0.5),
    "labels/*.zip": Reader(_make_kept_labels, _read_kept_labels, 1),
    "png": Reader(_make_image("png"), read_frame),
    "jpeg": Reader(_make_image("jpg"), read_frame),
    "webp": Reader(_make_image("webp"), read_frame),
    "bmp": Reader(_make_image("bmp"), read_frame),
    "tiff": Reader(_make_image("tif", compression="tiff_lzw"), read_frame),
    "label map": Reader(_make_labels, read_labels),
    "video": Reader(_make_video, _read_video, 0.5),
    "preset": Reader(_make_preset, lambda file: read_config(str(file)), 2),
}
