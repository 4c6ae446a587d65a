"""Networks of the library by folder or name, with their weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from baselines.library.heads import MASK_NETWORKS, head_of
from baselines.library.processor import preparation, read_image_processor
from baselines.library.segmentor import LibrarySegmentor
from mpvss.errors import UserError
from mpvss.sharing import SharedResults

VIDEO_NETWORKS = {"videomt": "videomt", "sam2_video": "sam2-video", "edgetam_video": "sam2-video"}
"""Kinds of network that segment videos, and the methods that run them."""
_TASK = "the task is semantic"
"""What OneFormer is told to do, in the words it was trained with."""


def load_library_model(name: str, shared: SharedResults | None = None) -> LibrarySegmentor:
    """The network in a folder, or of a name that the library knows.

    `shared` is as in `LibrarySegmentor`.

    Raises:
        UserError: the library is not installed; no such network; one of another task, without an image processor, or
            without all its weights.
    """
    config = read_config(name)
    if config.model_type in VIDEO_NETWORKS:
        raise UserError(
            f"{name} is a network of videos ({config.model_type}), which the method "
            f"{VIDEO_NETWORKS[config.model_type]} runs"
        )
    from transformers import AutoModelForSemanticSegmentation, AutoModelForUniversalSegmentation
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES

    scored = tuple(MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES)
    if config.model_type not in (*MASK_NETWORKS, *scored):
        known = ", ".join(sorted((*MASK_NETWORKS, *scored)))
        raise UserError(f"{name} is no semantic segmentation network but {config.model_type!r}; known are {known}")
    masked = config.model_type in MASK_NETWORKS
    model = load_network(AutoModelForUniversalSegmentation if masked else AutoModelForSemanticSegmentation, name)
    # The description of OneFormer's classes serves its training alone, and may lie in another place of the network.
    changed = {"class_info_file": None} if config.model_type == "oneformer" else {}
    try:
        settings = read_image_processor(name, **changed)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"{name} has no image processor that can be used: {_one_line(error)}") from None
    try:
        prepared = preparation(settings)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    return LibrarySegmentor(
        model,
        num_classes=config.num_labels,
        preparation=prepared,
        head=head_of(config.model_type, settings.get("size") or {}),
        inputs={"task_inputs": _task(name, config.task_seq_len)} if config.model_type == "oneformer" else {},
        shared=shared,
    )


def read_config(name: str) -> Any:
    """The configuration of a network of the library.

    Raises:
        UserError: the library is not installed, or knows no such network.
    """
    try:
        from transformers import AutoConfig
    except ImportError:
        raise UserError(f"{name} is a model of the transformers library; pip install 'mpvss-bench[peer]'") from None
    try:
        return AutoConfig.from_pretrained(name)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{name} is no model of the transformers library: {_one_line(error)}") from None


def load_network(kind: Any, name: str) -> nn.Module:
    """A network of a class of the library in evaluation mode, with all its weights.

    Raises:
        UserError: there are none, of other shapes, or not all.
    """
    try:
        model, report = kind.from_pretrained(name, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise UserError(f"{name} cannot be loaded: {_one_line(error)}") from None
    missing = sorted({*report["missing_keys"]} & {key for key, _ in model.named_parameters()})
    if missing := [key for key in missing if not key.endswith("mask_token")]:  # of pre-training, and not always kept
        listed = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UserError(f"{name} is missing weights of {type(model).__name__}: {listed}")
    return model.eval()


def _task(name: str, length: int) -> Tensor:
    """OneFormer's task as numbers, (1, length), zero after its last word."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        pieces = tokenizer.tokenize(_TASK)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(
            f"{name} is a OneFormer, which reads its task, without a tokenizer: {_one_line(error)}"
        ) from None
    if not pieces or tokenizer.unk_token in pieces:  # where there are no files, the library makes one without words
        raise UserError(
            f"{name} is a OneFormer, which reads its task, without a tokenizer that knows the words {_TASK!r}; "
            "save the tokenizer's files (tokenizer.json, or vocab.json and merges.txt) in its folder"
        )
    words = tokenizer([_TASK], padding="max_length", max_length=length, truncation=True)
    return torch.tensor(words["input_ids"]) * torch.tensor(words["attention_mask"])


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
