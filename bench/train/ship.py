"""Making the weights of a training run part of the project."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
import torch
from torch import Tensor

from bench.methods import shipped
from bench.methods.names import PER_FRAME, check_backbone, method_of
from bench.methods.registry import build_method
from bench.methods.shipped import MODEL, shipped_rows
from bench.runs.files import read_bytes, write_atomically
from bench.runs.record_file import read_record
from bench.runs.records.training import TrainingRecord
from bench.runs.whole_folder import folder_written_whole
from bench.train.configuration import ETC
from bench.train.record import HISTORY, RECORD
from mpvss.checkpoints.files import read_tensors, to_bytes
from mpvss.errors import UserError

TRAINING = "training.toml"
LIMIT = 45_000_000
"""Bytes that the weights of all rows may take together."""


def ship(run: Path, name: str, command: str | None = None) -> Path:
    """Ship the weights of a training run as those of the row BACKBONE/METHOD[@LABEL]; the row's folder.

    An earlier folder of the row is replaced; nothing outside `bench/weights` is written or removed.

    Args:
        run: folder of a finished run of `mpvss-bench train`.
        name: the row; for Accel, the backbone is that of its key branch.
        command: what to state as the command; None: the recorded one.

    Raises:
        UserError: a folder that is no training run, or not a finished one, or one of another method or backbone;
            weights that float16 does not hold; too many bytes; a folder that cannot be written.
    """
    backbone, slash, row = name.partition("/")
    if not slash:
        raise UserError(f"row {name!r} is not BACKBONE/METHOD[@LABEL], as micro/mpvss")
    check_backbone(backbone, method_of(row))
    record = _finished_record(run)
    trained = record.configuration.model
    method = PER_FRAME if trained["method"] == ETC else trained["method"]
    if (method, trained["backbone"]) != (method_of(row), backbone):
        raise UserError(f"{run} trained {trained['backbone']}/{method}; it cannot be the row {name}")
    tensors, metadata = read_tensors(run / MODEL)
    tensors = _without_shipped_flow(run, tensors, metadata, name)
    halved = {tensor_name: _halved(tensor, f"{run}: {tensor_name}") for tensor_name, tensor in tensors.items()}
    model = to_bytes(halved, metadata)
    others = sum((shipped.FOLDER / other / MODEL).stat().st_size for other in shipped_rows() if other != name)
    if others + len(model) > LIMIT:
        raise UserError(f"{name} takes {len(model)} bytes and the other rows {others}; together they may take {LIMIT}")
    # A run of no step, which joins trained parts, has no history.
    history = read_bytes(run / HISTORY) if (run / HISTORY).is_file() else b""
    account = _account(record, _last_validation(run / HISTORY, history), command)
    try:
        text = tomli_w.dumps(account)
    except TypeError as error:  # such as null, which TOML does not have
        raise UserError(f"{run / RECORD} is damaged ({error}); train the run again in another folder") from None
    files = {MODEL: model, TRAINING: text.encode(), HISTORY: history}
    return _put(_row_folder(name), files)


def _row_folder(name: str) -> Path:
    """The folder of a row; UserError where that would not be a row's place inside the shipped weights."""
    root = shipped.FOLDER.resolve()
    folder = (root / name).resolve()
    if folder.parent.parent != root:
        raise UserError(f"row {name!r} would be {folder}, which is not a folder BACKBONE/METHOD in {root}")
    return folder


def _put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Make a folder of these files in one step, in the place of an earlier one."""
    with folder_written_whole(folder) as new:
        for name, content in files.items():
            write_atomically(new / name, content)
    return folder


def _finished_record(run: Path) -> TrainingRecord:
    file = run / RECORD
    if not file.is_file():
        raise UserError(f"{run} is not a folder of mpvss-bench train: it has no {RECORD}")
    record = read_record(file, TrainingRecord)
    if not record.finished or not (run / MODEL).is_file():
        steps = record.configuration.training["steps"]
        raise UserError(f"{run} is not finished ({record.steps_done} of {steps} steps); rerun its command to finish it")
    return record


def _without_shipped_flow(
    run: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], name: str
) -> Mapping[str, Tensor]:
    """The tensors but those of a flow network that is shipped with another row; UserError where it is another one."""
    backbone, _, row = name.partition("/")
    file = shipped.shipped_flow(row, backbone)
    if file is None:
        return tensors
    num_classes = json.loads(metadata["configuration"])["num_classes"]
    built = build_method(method_of(row), backbone=backbone, num_classes=num_classes, flow_weights=file)
    network = {f"flow.{key}": tensor for key, tensor in built.module.get_submodule("flow").state_dict().items()}
    if not all(torch.equal(tensors[key], tensor) for key, tensor in network.items()):
        raise UserError(
            f"{run} has another flow network than {shipped.FLOW_ROW}, which {name} is shipped without; train it with "
            f"{file} in model.start"
        )
    return {key: tensor for key, tensor in tensors.items() if key not in network}


def _halved(tensor: Tensor, name: str) -> Tensor:
    """The tensor in float16; whole numbers as they are."""
    if not tensor.is_floating_point():
        return tensor
    halved = tensor.half()
    if not halved.isfinite().all():
        raise UserError(f"{name} reaches {tensor.abs().max():g}, which float16 does not hold")
    return halved


def _last_validation(file: Path, history: bytes) -> dict[str, float]:
    """The last line of a history; empty where there is none."""
    try:
        rows = list(csv.DictReader(history.decode().splitlines(), strict=True))
        return {key: float(value) for key, value in rows[-1].items() if value} if rows else {}
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{file} is damaged ({error}); rerun the training's command into another folder") from None


def _account(record: TrainingRecord, validation: Mapping[str, float], command: str | None) -> dict[str, Any]:
    """The content of `training.toml`. Starting checkpoints keep folder and name alone; other parts name one machine."""
    tables = record.configuration
    model = {key: value for key, value in tables.model.items() if not key.endswith("start")}
    return {
        "command": command or record.command,
        **({} if record.commit is None else {"commit": record.commit}),
        "seed": record.seed,
        "steps": record.steps_done,
        "validation": dict(validation),
        "start": {"/".join(Path(file).parts[-2:]): f"sha256 {digest}" for file, digest in record.start.items()},
        "model": model,
        "data": {**tables.data, **record.data},
        "training": tables.training,
    }
