"""The published program's names for CFFM-VSS's tensors, and what tells its variants apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from baselines.clips.names import method_facts
from baselines.segformer.names import CLASS_HEAD, PUBLISHED, SEGFORMER, UNUSED, is_published, segformer_facts
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, Naming, Rules, renamed

_ATTENTION = r"^(layers\.\d+\.attention)\."
_RULES: Rules = (
    *PUBLISHED,
    (r"^decode_head\.linear_pred2\.", "classify."),
    (r"^decode_head\.decoder_focal\.blocks\.(\d+)\.", r"layers.\1."),
    # The target's pool is the first of four, then come the references'.
    (r"^(layers\.\d+)\.pool_layers\.0\.", r"\1.pools.0."),
    (r"^(layers\.\d+)\.pool_layers_clips\.(\d)\.", lambda m: f"{m[1]}.pools.{int(m[2]) + 1}."),
    (r"^(layers\.\d+)\.mlp\.fc1\.", r"\1.mlp.expand."),
    (r"^(layers\.\d+)\.mlp\.fc2\.", r"\1.mlp.contract."),
    (r"^(layers\.\d+)\.attn\.", r"\1.attention."),
    (_ATTENTION + r"proj\.", r"\1.out."),
    (_ATTENTION + r"relative_position_bias_table$", r"\1.own_bias"),
    (_ATTENTION + r"relative_position_bias_table_to_neighbors$", r"\1.neighbour_bias"),
    (_ATTENTION + r"relative_position_bias_table_to_windows\.0$", r"\1.level_bias.0"),
    (
        _ATTENTION + r"relative_position_bias_table_to_windows_clips\.(\d)$",
        lambda m: f"{m[1]}.level_bias.{int(m[2]) + 1}",
    ),
)


def cffm_facts(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """The method, SegFormer's facts, and the number of layers."""
    layers = [int(match[1]) for name in tensors if (match := re.match(r"layers\.(\d+)\.attention\.qkv\.", name))]
    number = {"layers across frames": max(layers) + 1} if layers else {}
    return method_facts(tensors) | segformer_facts(tensors) | number


CFFM_FORMAT = CheckpointFormat(
    namings=(Naming("published", is_published, lambda tensors: renamed(tensors, _RULES)), *SEGFORMER.namings[1:]),
    class_heads=(CLASS_HEAD, ClassHead(re.compile(r"^classify\.(weight|bias)$"))),
    unused=re.compile(rf"{UNUSED.pattern}|.*\.(relative_position_index\w*|valid_ind_rolled)"),
    facts=cffm_facts,
)
"""CFFM-VSS's checkpoints, and SegFormer's, which hold its first part."""
