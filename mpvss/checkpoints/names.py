"""Other programs' parameter names, and ours for the same tensors.

Ours are those of a `Mask2Former` (`backbone.`, `pixel_decoder.`, `query_decoder.`), with `motion.` for MPVSS's motion
module and `flow.` for FlowNetS.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import partial

import torch
from torch import Tensor

from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, Naming, renamed

_PUBLISHED = (
    # Files from before the pixel decoder had a name of its own.
    (r"^sem_seg_head\.(?!predictor\.|pixel_decoder\.)", "sem_seg_head.pixel_decoder."),
    (r"static_query", "query_feat"),
    (r"^sem_seg_head\.pixel_decoder\.", "pixel_decoder."),
    (r"^pixel_decoder\.transformer\.level_embed", "pixel_decoder.level_embed"),
    (
        r"^pixel_decoder\.transformer\.encoder\.layers\.(\d+)\.self_attn\.",
        r"pixel_decoder.layers.\1.attention.",
    ),
    (r"^pixel_decoder\.transformer\.encoder\.layers\.", "pixel_decoder.layers."),
    (r"^pixel_decoder\.adapter_1\.", "pixel_decoder.lateral."),
    (r"^pixel_decoder\.layer_1\.", "pixel_decoder.output."),
    (r"^sem_seg_head\.predictor\.", "query_decoder."),
    (r"^motion\.encoder\.(conv\d\.\d)\.conv\.", r"motion.encoder.\1."),
    (r"^motion\.decoder\.(output_head|scale_layer)\.", r"motion.query_head.\1."),
    (r"^motion\.query_head\.output_head\.", "motion.query_head.query_mlp."),
    (r"^motion\.query_head\.scale_layer\.", "motion.query_head.map_mlp."),
    (r"^motion\.decoder\.decoder_norm\.", "motion.query_head.norm."),
    (r"^motion\.decoder\.fuse_layer\.conv\.", "motion.fuse.conv."),
    (r"^motion\.decoder\.predict_flow\.conv\.", "motion.decoder.predict_flow2.conv."),
    (r"^motion\.decoder\.((?:deconv|predict_flow|upsample_flow)\d)\.conv\.", r"motion.pixel_flow.\1."),
    (r"\.transformer_(self|cross)_attention_layers\.(\d+)\.", r".decoder_layers.\2.\1_attention."),
    (r"\.transformer_ffn_layers\.(\d+)\.", r".decoder_layers.\1.ffn."),
    (r"_attention\.(?:self_attn|multihead_attn)\.", "_attention.attention."),
    (r"\.decoder_layers\.", ".layers."),
)

_TRANSFORMERS = (
    (r"^class_predictor\.", "query_decoder.class_embed."),
    # Backbones: Swin in the library's older and newer names, then ResNet.
    (r"^model\.pixel_level_module\.encoder\.(?:model\.|swin\.)?", "backbone."),
    (r"^backbone\.embeddings\.patch_embeddings\.projection\.", "backbone.patch_embed.proj."),
    (r"^backbone\.embeddings\.norm\.", "backbone.patch_embed.norm."),
    (r"^backbone\.encoder\.layers\.", "backbone.layers."),
    (r"\.attention\.self\.(query|key|value)\.", lambda m: f".attn.{m[1][0]}_proj."),
    (r"\.attention\.(?:output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.attention\.(?:self|relative_position_bias)\.relative_position_", ".attn.relative_position_"),
    (r"^(backbone\..*)\.attention\.([qkv])_proj\.", r"\1.attn.\2_proj."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"^(backbone\..*)\.intermediate\.dense\.", r"\1.mlp.fc1."),
    (r"^(backbone\.layers\.\d+\.blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"^backbone\.hidden_states_norms\.stage(\d)\.", lambda m: f"backbone.norm{int(m[1]) - 1}."),
    (r"^backbone\.hidden_states_norms\.(\d)\.", r"backbone.norm\1."),
    (r"^backbone\.embedder\.embedder\.", "backbone.stem.conv1."),
    (r"^backbone\.encoder\.stages\.(\d)\.layers\.", lambda m: f"backbone.res{int(m[1]) + 2}."),
    (r"^(backbone\.res\d\.\d+)\.layer\.(\d)\.", lambda m: f"{m[1]}.conv{int(m[2]) + 1}."),
    (r"^(backbone\..*)\.convolution\.", r"\1."),
    (r"^(backbone\..*)\.normalization\.", r"\1.norm."),
    # Pixel decoder.
    (r"^model\.pixel_level_module\.decoder\.", "pixel_decoder."),
    (r"^pixel_decoder\.input_projections\.", "pixel_decoder.input_proj."),
    (r"^pixel_decoder\.encoder\.layers\.", "pixel_decoder.layers."),
    (r"^(pixel_decoder\.layers\.\d+)\.self_attn\.", r"\1.attention."),
    (r"^(pixel_decoder\.layers\.\d+)\.self_attn_layer_norm\.", r"\1.norm1."),
    (r"^(pixel_decoder\.layers\.\d+)\.fc(\d)\.", r"\1.linear\2."),
    (r"^(pixel_decoder\.layers\.\d+)\.final_layer_norm\.", r"\1.norm2."),
    (r"^pixel_decoder\.mask_projection\.", "pixel_decoder.mask_features."),
    (r"^pixel_decoder\.adapter_1\.0\.", "pixel_decoder.lateral."),
    (r"^pixel_decoder\.adapter_1\.1\.", "pixel_decoder.lateral.norm."),
    (r"^pixel_decoder\.layer_1\.0\.", "pixel_decoder.output."),
    (r"^pixel_decoder\.layer_1\.1\.", "pixel_decoder.output.norm."),
    # Query decoder.
    (r"^model\.transformer_module\.(?:decoder\.)?", "query_decoder."),
    (r"^query_decoder\.queries_embedder\.", "query_decoder.query_embed."),
    (r"^query_decoder\.queries_features\.", "query_decoder.query_feat."),
    (r"^query_decoder\.layernorm\.", "query_decoder.decoder_norm."),
    (r"^query_decoder\.mask_predictor\.mask_embedder\.(\d)\.0\.", r"query_decoder.mask_embed.layers.\1."),
    (r"^(query_decoder\.layers\.\d+)\.(self|cross)_attn\.", r"\1.\2_attention.attention."),
    (r"^(query_decoder\.layers\.\d+)\.(self|cross)_attn_layer_norm\.", r"\1.\2_attention.norm."),
    (r"^(query_decoder\.layers\.\d+)\.fc(\d)\.", r"\1.ffn.linear\2."),
    (r"^(query_decoder\.layers\.\d+)\.final_layer_norm\.", r"\1.ffn.norm."),
)

_FLOWNETS = (
    (r"^conv(\d)\.0\.", r"flow.encoder.conv\1.0."),
    (r"^conv(\d)_1\.0\.", r"flow.encoder.conv\1.1."),
    (r"^deconv(\d)\.0\.", r"flow.pixel_flow.deconv\1."),
    (r"^predict_flow(\d)\.", r"flow.pixel_flow.predict_flow\1."),
    (r"^upsampled_flow\d_to_(\d)\.", r"flow.pixel_flow.upsample_flow\1."),
)

# The pixel-wise flow counts its steps from coarse to fine, other programs theirs from the finest down.
_PIXEL_FLOW = (
    (r"(\.pixel_flow)\.predict_flow(\d)\.", lambda m: f"{m[1]}.predict.{6 - int(m[2])}."),
    (r"(\.pixel_flow)\.deconv(\d)\.", lambda m: f"{m[1]}.deconv.{5 - int(m[2])}."),
    (r"(\.pixel_flow)\.upsample_flow(\d)\.", lambda m: f"{m[1]}.upsample.{5 - int(m[2])}."),
)


def to_ours(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint of this `kind`, one of `MASK2FORMER`'s, under our names."""
    rules = {"published": _PUBLISHED, "transformers": _TRANSFORMERS, "flownets": _FLOWNETS}[kind]
    ours = renamed(tensors, (*rules, *_PIXEL_FLOW))
    return _join_projections(ours) if kind == "transformers" else ours


def _join_projections(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Separate query, key and value projections as the one stacked projection that ours are."""
    joined = dict(tensors)
    for name in tensors:
        matched = re.fullmatch(r"(.*)\.q_proj\.(weight|bias)", name)
        if not matched:
            continue
        owner, leaf = matched.groups()
        stacked = f"{owner}.qkv.{leaf}" if owner.startswith("backbone.") else f"{owner}.in_proj_{leaf}"
        parts = [f"{owner}.{part}_proj.{leaf}" for part in "qkv"]
        if all(part in joined for part in parts):
            joined[stacked] = torch.cat([joined.pop(part) for part in parts])
    return joined


def _of_library(names: Set[str]) -> bool:
    return any(name.startswith("model.pixel_level_module.") for name in names)


def _of_published(names: Set[str]) -> bool:
    return any(name.startswith(("sem_seg_head.", "motion.decoder.transformer_")) for name in names)


def _of_flownets(names: Set[str]) -> bool:
    return {"conv3_1.0.weight", "predict_flow2.weight"} <= names


MASK2FORMER = CheckpointFormat(
    namings=tuple(
        Naming(kind, recognises, partial(to_ours, kind=kind))
        for kind, recognises in (
            ("transformers", _of_library),
            ("published", _of_published),
            ("flownets", _of_flownets),
        )
    ),
    class_heads=(ClassHead(re.compile(r"\bquery_decoder\.class_embed\."), other_rows=1),),  # "no object"
    unused=re.compile(r".*\.(relative_position_index|num_batches_tracked)|backbone\.layernorm\.(weight|bias)"),
)
"""Checkpoints of Mask2Former, MPVSS and FlowNetS: the published programs' and the `transformers` library's."""
