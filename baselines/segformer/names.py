"""Other programs' names for SegFormer's tensors, and what tells its variants apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

import torch
from torch import Tensor

from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, Naming, Rules, renamed

# A backbone that was trained alone has no prefix, and a classifier of its own.
_ALONE: Rules = (
    (r"^head\.(weight|bias)$", r"image_classifier.\1"),
    (r"^(patch_embed|block|norm)(\d)\.", r"backbone.\1\2."),
)

PUBLISHED: Rules = (
    *_ALONE,
    (r"^backbone\.patch_embed(\d)\.proj\.", lambda m: f"backbone.stages.{int(m[1]) - 1}.patches.conv."),
    (r"^backbone\.patch_embed(\d)\.norm\.", lambda m: f"backbone.stages.{int(m[1]) - 1}.patches.norm."),
    (r"^backbone\.block(\d)\.", lambda m: f"backbone.stages.{int(m[1]) - 1}.blocks."),
    (r"^backbone\.norm(\d)\.", lambda m: f"backbone.stages.{int(m[1]) - 1}.norm."),
    (r"\.attn\.q\.", ".attention.query."),
    (r"\.attn\.kv\.", ".attention.key_value."),
    (r"\.attn\.proj\.", ".attention.out."),
    (r"\.attn\.sr\.", ".attention.reduce."),
    (r"\.attn\.norm\.", ".attention.reduce_norm."),
    (r"^(backbone\..*)\.mlp\.fc1\.", r"\1.mlp.expand."),
    (r"^(backbone\..*)\.mlp\.dwconv\.dwconv\.", r"\1.mlp.depthwise."),
    (r"^(backbone\..*)\.mlp\.fc2\.", r"\1.mlp.contract."),
    (r"^decode_head\.linear_c(\d)\.proj\.", lambda m: f"head.project.{int(m[1]) - 1}."),
    (r"^decode_head\.linear_fuse\.conv\.", "head.fuse."),
    (r"^decode_head\.linear_fuse\.bn\.", "head.norm."),
    (r"^decode_head\.linear_pred\.", "head.classify."),
)
"""The published programs' names for what SegFormer, CFFM-VSS and MRCFA share."""

# Newer names first, older ones after.
_TRANSFORMERS: Rules = (
    (r"^segformer\.stages\.(\d)\.patch_embeddings\.", r"backbone.stages.\1.patches."),
    (r"^segformer\.encoder\.patch_embeddings\.(\d)\.", r"backbone.stages.\1.patches."),
    (r"\.patches\.proj\.", ".patches.conv."),
    (r"\.patches\.layer_norm\.", ".patches.norm."),
    (r"^segformer\.stages\.(\d)\.layer_norm\.", r"backbone.stages.\1.norm."),
    (r"^segformer\.encoder\.layer_norm\.(\d)\.", r"backbone.stages.\1.norm."),
    (r"^segformer\.stages\.", "backbone.stages."),
    (r"^segformer\.encoder\.block\.(\d)\.", r"backbone.stages.\1.blocks."),
    (r"\.(?:layernorm_before|layer_norm_1)\.", ".norm1."),
    (r"\.(?:layernorm_after|layer_norm_2)\.", ".norm2."),
    (r"\.attention\.self\.(query|key|value)\.", r".attention.\1."),
    (r"\.attention\.q_proj\.", ".attention.query."),
    (r"\.attention\.k_proj\.", ".attention.key."),
    (r"\.attention\.v_proj\.", ".attention.value."),
    (r"\.attention\.(?:output\.dense|o_proj)\.", ".attention.out."),
    (r"\.attention\.(?:self\.sr|sequence_reduction\.sequence_reduction)\.", ".attention.reduce."),
    (r"\.attention\.(?:self\.layer_norm|sequence_reduction\.layer_norm)\.", ".attention.reduce_norm."),
    (r"\.mlp\.(?:dense1|fc1)\.", ".mlp.expand."),
    (r"\.mlp\.dwconv\.dwconv\.", ".mlp.depthwise."),
    (r"\.mlp\.(?:dense2|fc2)\.", ".mlp.contract."),
    (r"^decode_head\.linear_(?:c|projections)\.(\d)\.proj\.", r"head.project.\1."),
    (r"^decode_head\.linear_fuse\.", "head.fuse."),
    (r"^decode_head\.batch_norm\.", "head.norm."),
    (r"^decode_head\.classifier\.", "head.classify."),
)

UNUSED = re.compile(r".*\.num_batches_tracked")
"""Counts, which take no part in what a network computes."""


def is_published(names: Set[str]) -> bool:
    """Whether these names are of a published SegFormer, or of a MiT trained alone."""
    return any(re.match(r"(backbone\.)?patch_embed1\.proj\.", name) for name in names)


def segformer_facts(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """What tells one SegFormer from another, of its tensors under our names, whatever they are part of."""
    widths: dict[int, int] = {}
    depths: dict[int, int] = {}
    facts: dict[str, object] = {}
    for name, tensor in tensors.items():
        if match := re.search(r"\bbackbone\.stages\.(\d+)\.patches\.conv\.weight$", name):
            widths[int(match[1])] = tensor.shape[0]
        if match := re.search(r"\bbackbone\.stages\.(\d+)\.blocks\.(\d+)\.", name):
            stage, block = map(int, match.groups())
            depths[stage] = max(depths.get(stage, 0), block + 1)
        if re.search(r"\bhead\.fuse\.weight$", name):
            facts["decoder width"] = tensor.shape[0]
    if widths:
        facts["backbone's widths"] = tuple(widths[stage] for stage in sorted(widths))
        facts["backbone's depths"] = tuple(depths[stage] for stage in sorted(depths))
    return facts


def _join_key_and_value(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The library's separate key and value projections, stacked as ours are."""
    joined = dict(tensors)
    for name in tensors:
        match = re.fullmatch(r"(backbone\..*\.attention)\.key\.(weight|bias)", name)
        other = f"{match[1]}.value.{match[2]}" if match else ""
        if match and other in joined:
            joined[f"{match[1]}.key_value.{match[2]}"] = torch.cat((joined.pop(name), joined.pop(other)))
    return joined


CLASS_HEAD = ClassHead(re.compile(r"\bhead\.classify\.(weight|bias)$"))
"""The layer of SegFormer with a row for each class."""

SEGFORMER = CheckpointFormat(
    namings=(
        Naming("published", is_published, lambda tensors: renamed(tensors, PUBLISHED)),
        Naming(
            "transformers",
            lambda names: any(name.startswith("segformer.") for name in names),
            lambda tensors: _join_key_and_value(renamed(tensors, _TRANSFORMERS)),
        ),
    ),
    class_heads=(CLASS_HEAD,),
    unused=UNUSED,
    facts=segformer_facts,
)
"""SegFormer's checkpoints."""
