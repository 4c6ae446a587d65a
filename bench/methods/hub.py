"""Weights from the model hub of the `transformers` library, for the project's own Mask2Former and SegFormer.

`hub:ORG/NAME`, or `hub:ORG/NAME@REVISION` for a branch, a tag or a commit. Files are kept in the hub's own cache, and
come from it where there is no network. Reading them never runs code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.methods.hub_networks import check_network
from bench.methods.weights import Checkpoint
from mpvss.errors import UserError

HUB = "hub:"
"""Begins a checkpoint that is on the hub."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The files that hold a model's weights; the first that is there is taken."""


def fetch(spec: str, backbone: str) -> Checkpoint:
    """The weights of a model on the hub, which must be of the network called `backbone`.

    Args:
        spec: `hub:ORG/NAME` or `hub:ORG/NAME@REVISION`.
        backbone: a name of `BACKBONES` or `SEGFORMERS` in `bench.methods.names`.

    Raises:
        UserError: no such model or revision, one that is gated, or has no weights that are read here; no network, and
            not in the cache; another network than `backbone`, or other pixel values than it takes; no
            `huggingface_hub`.
    """
    repository, _, revision = spec.removeprefix(HUB).partition("@")
    file = _fetch(repository, "config.json", revision or None)
    if file is None:
        raise UserError(f"{spec} has no config.json, so it is no model of the transformers library")
    commit = file.parent.name
    processor = _read(_fetch(repository, "preprocessor_config.json", commit))
    num_classes = check_network(spec, _read(file), backbone, processor)
    found = (_fetch(repository, name, commit) for name in WEIGHTS)
    weights = next(filter(None, found), None)
    if weights is None:
        raise UserError(
            f"{spec} has neither {' nor '.join(WEIGHTS)} at commit {commit}, or they are not in the cache and there is "
            "no network; weights in several files are not read"
        )
    return Checkpoint(weights, f"{repository}@{commit}", num_classes)


def _fetch(repository: str, name: str, revision: str | None) -> Path | None:
    """A file of a repository, from the cache or the hub; None where the repository does not have it."""
    try:
        from huggingface_hub import errors as hub
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise UserError(f"{HUB}{repository} needs huggingface_hub; pip install 'mpvss-bench[hub]'") from None
    where = f"{HUB}{repository}" + (f"@{revision}" if revision else "")
    try:
        return Path(hf_hub_download(repository, name, revision=revision))
    except hub.GatedRepoError:
        reason = "is gated: accept its terms on its page, then log in with `hf auth login`"
    except hub.RepositoryNotFoundError:
        reason = "does not exist, or is private; write hub:ORG/NAME as its page does"
    except hub.RevisionNotFoundError:
        reason = "does not exist: the repository has no such branch, tag or commit"
    except hub.LocalEntryNotFoundError:
        if name != "config.json":
            return None
        reason = "is not in the cache, and the hub cannot be reached (or HF_HUB_OFFLINE is set)"
    except hub.EntryNotFoundError:
        return None
    except hub.HFValidationError:
        reason = "is no name of a model; write hub:ORG/NAME or hub:ORG/NAME@REVISION"
    except (hub.HfHubHTTPError, OSError) as error:
        reason = f"cannot be fetched: {' '.join(str(error).split())}"
    raise UserError(f"{where} {reason}")


def _read(file: Path | None) -> Mapping[str, Any]:
    """What a JSON file holds; nothing where there is none."""
    if file is None:
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{file} holds a {type(content).__name__}, not an object")
    return content
