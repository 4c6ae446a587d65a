"""Reading and writing checkpoint files. Nothing here runs code that a file brings."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.files import written_whole

FORMAT = "mpvss-bench"
_TORCH_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_ARRAY_GLOBALS = {
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("collections", "OrderedDict"),
    ("_codecs", "encode"),
}


def save_checkpoint(module: nn.Module, path: str | os.PathLike[str], configuration: Mapping[str, Any]) -> None:
    """Write the module's state as safetensors, atomically, with the `configuration` that rebuilds it inside."""
    path = Path(path)
    metadata = {"format": FORMAT, "configuration": json.dumps(dict(configuration), sort_keys=True)}
    if hasattr(module, "warp_variant"):
        metadata["warp_variant"] = str(module.warp_variant)
    state = module.state_dict()
    # Copied: Accel's branches may be one network, and the format refuses tensors that share memory.
    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()
    }
    with written_whole(path) as file:
        file.write(to_bytes(tensors, metadata))


def to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The content of a safetensors file. The same tensors and metadata always give the same bytes."""
    content = safetensors.torch.save(dict(tensors), dict(metadata))
    end = 8 + int.from_bytes(content[:8], "little")
    # The library writes the tensors in one order, and the metadata in any.
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_configuration(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The configuration inside one of our own checkpoints; None for a file of another program.

    Raises:
        UserError: the file is damaged.
    """
    path = Path(path)
    metadata = _safetensors_metadata(path) if _is_safetensors(path) else {}
    if metadata.get("format") != FORMAT:
        return None
    try:
        configuration = json.loads(metadata["configuration"])
    except (KeyError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is a damaged checkpoint: its configuration is no JSON ({error})") from error
    if not isinstance(configuration, dict):
        raise UserError(f"{path} is a damaged checkpoint: its configuration is {configuration!r}, not an object")
    return configuration


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor in a file by name, and the file's metadata.

    Reads safetensors, PyTorch files (weights only) and detectron2's pickles (arrays only). UserError, naming the
    file, where it is missing, damaged, of another kind, or wants to run code.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"checkpoint {path} does not exist or is not a file")
    if _is_safetensors(path):
        metadata = _safetensors_metadata(path)  # first, since it refuses a damaged file
        return safetensors.torch.load_file(path), metadata
    return flatten(_read_pickle(path), str(path)), {}


def flatten(content: object, source: str) -> dict[str, Tensor]:
    """The tensors of a loaded checkpoint, out of the dictionaries that training programs wrap them in."""
    for wrapper in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise UserError(f"{source} is not a checkpoint: it holds a {type(content).__name__}, not named tensors")
    tensors = {}
    for name, value in content.items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biuf":
                raise UserError(f"{source} is not a checkpoint: {name} is an array of {value.dtype}, not of numbers")
            value = torch.from_numpy(np.array(value))
        if isinstance(value, Tensor):
            tensors[str(name).removeprefix("module.")] = value
    if not tensors:
        raise UserError(f"{source} is not a checkpoint: none of its {len(content)} entries is a tensor")
    return tensors


def _is_safetensors(path: Path) -> bool:
    """True for a file that begins with the length of a JSON header, then that header."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def _safetensors_metadata(path: Path) -> dict[str, str]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise UserError(f"{path} is a damaged safetensors file: {error}") from error


def _read_pickle(path: Path) -> object:
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    is_torch = is_zip or _is_torch_legacy(path)
    if is_zip:
        _check_stored(path)
    try:
        if is_torch:
            return torch.load(path, map_location="cpu", weights_only=True)
        with path.open("rb") as file:
            return _ArrayUnpickler(file).load()
    except Exception as error:
        # Bytes that are no pickle fail in too many ways to name; what PyTorch refuses it calls an unpickling error.
        reason = str(error).partition("\n")[0]
        if isinstance(error, _WantsCodeError) or (is_torch and isinstance(error, pickle.UnpicklingError)):
            raise UserError(
                f"{path} is refused: it is not plain tensors, and reading it could run code ({reason})"
            ) from error
        raise UserError(f"{path} is not a checkpoint, or is damaged: {type(error).__name__}: {reason}") from error


def _check_stored(path: Path) -> None:
    """Raise UserError where a zip file would unpack to more than it is: PyTorch stores, and never compresses."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(f"{path} is not a checkpoint, or is damaged: {error}") from error
    if unpacked > path.stat().st_size:
        raise UserError(
            f"{path} is refused: it has {path.stat().st_size} bytes and would unpack to {unpacked}; PyTorch's files "
            "are not compressed"
        )


def _is_torch_legacy(path: Path) -> bool:
    """True for PyTorch's format from before 1.6: a pickled magic number comes first."""
    with path.open("rb") as file:
        try:
            first = _ArrayUnpickler(file).load()
            return isinstance(first, int) and first == _TORCH_LEGACY_MAGIC
        except Exception:
            return False


class _WantsCodeError(pickle.UnpicklingError):
    """A pickle names something other than arrays."""


class _ArrayUnpickler(pickle.Unpickler):
    """Admits numpy arrays in plain containers and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAY_GLOBALS:
            raise _WantsCodeError(f"it asks for {module}.{name}")
        return super().find_class(module, name)
