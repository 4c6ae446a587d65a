"""Making the weights of a training run those that come with the project."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from bench.methods import shipped
from bench.methods.names import BACKBONES, method_of
from bench.methods.shipped import MODEL, shipped_rows
from bench.train.record import HISTORY, RECORD
from mpvss.checkpoints.files import read_tensors
from mpvss.errors import UserError

TRAINING = "training.toml"
LIMIT = 30_000_000
"""Bytes that the weights of all rows may take together."""


def ship(run: Path, name: str, command: str | None = None) -> Path:
    """Make the weights of a training run those of the row BACKBONE/METHOD[@LABEL]; the row's folder.

    Args:
        run: folder of a finished run of `mpvss-bench train`.
        name: the row; for Accel, the backbone is that of its key branch.
        command: what to state as the command; None: the one that was given.

    Raises:
        UserError: a run that is none, or not finished, or of another method or backbone; weights that float16 does not
            hold; too many bytes.
    """
    backbone, slash, row = name.partition("/")
    if not slash or backbone not in BACKBONES:
        known = ", ".join(BACKBONES)
        raise UserError(f"row {name!r} is not BACKBONE/METHOD[@LABEL], as micro/mpvss; backbones are {known}")
    record = _finished_record(run)
    trained = record["configuration"]["model"]
    if (trained["method"], trained["backbone"]) != (method_of(row), backbone):
        raise UserError(f"{run} trained {trained['backbone']}/{trained['method']}; it cannot be the row {name}")
    tensors, metadata = read_tensors(run / MODEL)
    halved = {tensor_name: _halved(tensor, f"{run}: {tensor_name}") for tensor_name, tensor in tensors.items()}
    model = safetensors.torch.save(halved, metadata)
    others = sum((shipped.FOLDER / other / MODEL).stat().st_size for other in shipped_rows() if other != name)
    if others + len(model) > LIMIT:
        raise UserError(f"{name} takes {len(model)} bytes and the other rows {others}; together they may take {LIMIT}")
    # A run of no step, which joins trained parts, has no history.
    history = (run / HISTORY).read_text() if (run / HISTORY).is_file() else ""
    folder = shipped.FOLDER / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    made.chmod(0o755)
    (made / MODEL).write_bytes(model)
    (made / TRAINING).write_text(_toml(_account(record, history, command)))
    (made / HISTORY).write_text(history)
    shutil.rmtree(folder, ignore_errors=True)
    return made.rename(folder)


def _finished_record(run: Path) -> dict[str, Any]:
    file = run / RECORD
    if not file.is_file():
        raise UserError(f"{run} is not a folder of mpvss-bench train: it has no {RECORD}")
    record = json.loads(file.read_text())
    if not record["finished"] or not (run / MODEL).is_file():
        steps = record["configuration"]["training"]["steps"]
        raise UserError(
            f"{run} is not finished ({record['steps_done']} of {steps} steps); give its command again to go on with it"
        )
    return record


def _halved(tensor: Tensor, name: str) -> Tensor:
    """The tensor in float16; whole numbers as they are."""
    if not tensor.is_floating_point():
        return tensor
    halved = tensor.half()
    if not halved.isfinite().all():
        raise UserError(f"{name} reaches {tensor.abs().max():g}, which float16 does not hold")
    return halved


def _account(record: Mapping[str, Any], history: str, command: str | None) -> dict[str, Any]:
    """What `training.toml` says. Of files that were started from, folder and name: the rest is of one machine."""
    configuration = record["configuration"]
    model = {key: value for key, value in configuration["model"].items() if key not in ("start", "key_start")}
    rows = list(csv.DictReader(history.splitlines()))
    return {
        "command": command or record["command"],
        "commit": record["commit"],
        "seed": record["seed"],
        "steps": record["steps_done"],
        "validation": {key: float(value) for key, value in rows[-1].items() if value} if rows else {},
        "start": {"/".join(Path(file).parts[-2:]): f"sha256 {digest}" for file, digest in record["start"].items()},
        **configuration,
        "model": model,
        "data": {**configuration["data"], **record["data"]},
    }


def _toml(table: Mapping[str, Any]) -> str:
    """Values, and tables of values, as TOML; what is None is left out."""
    lines = [
        f"{_key(name)} = {_value(value)}"
        for name, value in table.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            lines += ["", f"[{_key(name)}]", *_toml(inner).splitlines()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    """JSON writes text, numbers, truth values and lists as TOML does."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
