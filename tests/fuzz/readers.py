"""Everything that reads a file: how a good one is made, and what reads it."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import av
import made_card
import made_records
import msgspec
import numpy as np
import safetensors.torch
import torch
from fake_sweep import sweep
from harness_fakes import small_data
from PIL import Image
from torch import nn

from bench.ab.trials import tally
from bench.compare.benchmarks import compare_benchmarks, read_benchmarks
from bench.compare.runs import compare
from bench.data import open_dataset
from bench.data.image_files import read_frame, read_labels
from bench.data.vspw import CLASS_NAMES_FILE, NUM_CLASSES, open_vspw
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.gate.baseline import compare_counters, read_baseline
from bench.history import history
from bench.measure.predict.devices import KNOWN, read_devices
from bench.methods import shipped
from bench.report.contents import make_report
from bench.report.study import read_study
from bench.report.tables.card import card_sheets
from bench.report.tables.formats import FORMATS
from bench.report.write import report
from bench.runs.card_folder import read_card
from bench.runs.kept_labels import KeptClipWriter, LabelStore, encode
from bench.runs.lease import Owner, take_lease
from bench.runs.progress import Progress
from bench.runs.read import read_clip_counts, read_latency, read_operators, read_run, read_samples
from bench.runs.record_file import read_record, write_record
from bench.runs.records.cell import CellKey
from bench.runs.records.cost import CostRecord
from bench.runs.records.peer import PeerRecord
from bench.runs.records.predict import PredictRecord
from bench.runs.records.training import TrainingRecord, TrainingTables
from bench.runs.records.trials import TrialsRecord
from bench.sweep import merge_parts
from bench.sweep.shard import Shard
from bench.train.read_config import read_config
from bench.train.record import write_history
from bench.train.ship import ship
from bench.train.tables import PRESETS
from mpvss.checkpoints import load_checkpoint, read_configuration, save_checkpoint
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
    """Makes a small run and one to compare it with, and gives the path of one of its files."""

    def make(folder: Path) -> Path:
        source = MEASURED / "small-methods"
        for run in (folder / "other", folder / "run"):
            (run / "cells").mkdir(parents=True)
            shutil.copy(source / "run.json", run)
            for cell in ("copy--005", "mpvss--005"):
                shutil.copy(source / "cells" / f"micro--{cell}.json", run / "cells")
        return folder / "run" / name

    return make


def _read_run(file: Path) -> None:
    run = file.parent if file.name == "run.json" else file.parents[1]
    for read in (read_run, read_samples, read_latency, read_operators, read_clip_counts):
        read(run)
    compare(run, run.with_name("other"))
    compare(run.with_name("other"), run)


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
    read_configuration(file)


def _of_training(name: str) -> Callable[[Path], Path]:
    """Makes the folder of a finished training, and gives the path of one of its files."""

    def make(folder: Path) -> Path:
        tables = TrainingTables(
            model={"method": "per-frame", "backbone": "nano"}, data={"crop": [64, 64]}, training={"steps": 4, "lr": 0.1}
        )
        record = TrainingRecord(
            command="mpvss-bench train",
            commit=None,
            environment=made_records.ENVIRONMENT,
            earlier=[],
            seed=0,
            configuration=tables,
            data={"train": "generated"},
            start={"a.pth": "0" * 64},
            steps_done=4,
            finished=True,
        )
        write_record(folder / "training.json", record)
        write_history(folder / "history.csv", [{"step": 2, "loss": 0.5}, {"step": 4, "loss": 0.25, "miou": 0.125}])
        _make_safetensors(folder)
        return folder / name

    return make


def _ship(file: Path) -> None:
    with mock.patch.object(shipped, "FOLDER", file.parent / "weights"):
        ship(file.parent, "nano/per-frame")


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
    score = Score(np.ones((4, 4), np.int64), np.ones((2, 2, 2)), 3)
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


def _make_benchmarks(folder: Path) -> Path:
    entries = [{"group": "warp", "fullname": f"x.py::test_{name}", "stats": {"median": 0.5}} for name in "abc"]
    content = {"machine_info": {"cpu": {"brand_raw": "some"}}, "benchmarks": entries}
    (folder / "benchmarks.json").write_text(json.dumps(content))
    return folder / "benchmarks.json"


def _compare_benchmarks(file: Path) -> None:
    read_benchmarks(file)
    compare_benchmarks([file] * 5, [file] * 5)


def _read_prediction(file: Path) -> None:
    read_record(file, PredictRecord)
    report([file.parent], file.parent / "report", ["md", "csv"])


def _make_trials(folder: Path) -> Path:
    """A file of two trials; the kept ones are long."""
    record = read_record(MEASURED / "comparison-trials-slower.json", TrialsRecord)
    write_record(folder / "trials.json", msgspec.structs.replace(record, trials=record.trials[:2]))
    return folder / "trials.json"


def _make_point(folder: Path) -> Path:
    history(folder / "history", [ROOT / "results" / "ci-baseline.json"], commit="0123456789ab")
    return next((folder / "history" / "points").iterdir())


def _of_vspw(name: str) -> Callable[[Path], Path]:
    """Makes a tiny VSPW, and gives the path of one of its files."""

    def make(folder: Path) -> Path:
        for kind, ending in (("origin", "jpg"), ("mask", "png")):
            images = folder / "data" / "street" / kind
            images.mkdir(parents=True)
            Image.new("RGB" if kind == "origin" else "L", (8, 6)).save(images / f"1.{ending}")
        (folder / "val.txt").write_text("street\n")
        classes = {f"class {number}": str(number) for number in range(1, NUM_CLASSES + 1)}
        (folder / CLASS_NAMES_FILE).write_text(json.dumps(classes))
        return folder / name

    return make


def _read_vspw(file: Path) -> None:
    for clip in open_vspw(file.parent, "val").clips:
        list(clip.frames())


def _make_lease(folder: Path) -> Path:
    gone = msgspec.structs.replace(Owner.this_process(), started="before")
    (folder / ".lease").write_bytes(msgspec.json.encode(gone))
    return folder / ".lease"


def _make_tensors(folder: Path) -> Path:
    tensors = {name: tensor.clone() for name, tensor in _module().state_dict().items()}
    safetensors.torch.save_file(tensors, folder / "a.safetensors", {"format": "pt"})
    return folder / "a.safetensors"


READERS: Mapping[str, Reader] = {
    "run.json": Reader(_of_run("run.json"), _read_run, 1),
    "cells/*.json": Reader(_of_run("cells/micro--mpvss--005.json"), _read_run, 2),
    "run.json, reported": Reader(_of_run("run.json"), _make_report, 0.3),
    "cells/*.json, reported": Reader(_of_run("cells/micro--mpvss--005.json"), _make_report, 0.3),
    "cost-*.json": Reader(_copied("cost-vspw.json"), _read_costs, 0.5),
    "peer-*.json": Reader(_copied("peer-cpu-1-thread.json"), _read_peer, 0.5),
    "predict-*.json": Reader(_copied("predict-cpu.json"), _read_prediction, 0.3),
    "comparison-trials-*.json": Reader(_make_trials, lambda file: tally(read_record(file, TrialsRecord)), 0.5),
    "points/*.json": Reader(_make_point, lambda file: history(file.parents[1]), 0.5),
    "benchmarks": Reader(_make_benchmarks, _compare_benchmarks),
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
    "training.json": Reader(_of_training("training.json"), _ship),
    "history.csv": Reader(_of_training("history.csv"), _ship, 0.5),
    "weights to ship": Reader(_of_training("model.safetensors"), _ship, 0.5),
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
    "a split of VSPW": Reader(_of_vspw("val.txt"), _read_vspw, 0.5),
    "class names of VSPW": Reader(_of_vspw(CLASS_NAMES_FILE), _read_vspw, 0.5),
    "devices.toml": Reader(lambda folder: Path(shutil.copy(KNOWN, folder)), read_devices),
    ".lease": Reader(_make_lease, lambda file: take_lease(file.parent), 0.5),
    "preset": Reader(_make_preset, lambda file: read_config(str(file)), 2),
}
