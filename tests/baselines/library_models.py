"""Tiny networks of the transformers library with random weights, saved as the library saves them."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as t
from torch import nn

CLASSES = 6
"""As many as the moving shapes of `generated` have."""
SIDE = 64
"""Side of the square picture that networks of fixed input take."""


def _swin() -> t.SwinConfig:
    return t.SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        image_size=SIDE,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _mask2former() -> tuple[nn.Module, Any]:
    config = t.Mask2FormerConfig(
        backbone_config=_swin(),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        dim_feedforward=16,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        num_queries=9,
        num_labels=CLASSES,
    )
    size = {"shortest_edge": 64, "longest_edge": 128}
    return t.Mask2FormerForUniversalSegmentation(config), t.Mask2FormerImageProcessorPil(size=size)


def _maskformer() -> tuple[nn.Module, Any]:
    decoder = t.DetrConfig(
        d_model=32,
        decoder_layers=1,
        encoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        num_queries=9,
    )
    config = t.MaskFormerConfig(
        fpn_feature_size=32,
        mask_feature_size=32,
        backbone_config=_swin(),
        decoder_config=decoder,
        num_labels=CLASSES,
    )
    size = {"shortest_edge": 50, "longest_edge": 70}
    processor = t.MaskFormerImageProcessorPil(size=size, size_divisor=16, do_reduce_labels=True, ignore_index=255)
    return t.MaskFormerForInstanceSegmentation(config), processor


def _oneformer() -> tuple[nn.Module, Any]:
    config = t.OneFormerConfig(
        backbone_config=_swin(),
        conv_dim=32,
        mask_dim=32,
        hidden_dim=32,
        encoder_feedforward_dim=16,
        dim_feedforward=16,
        encoder_layers=1,
        decoder_layers=3,
        query_dec_layers=1,
        num_attention_heads=2,
        num_queries=9,
        task_seq_len=12,
        text_encoder_width=16,
        text_encoder_num_layers=1,
        text_encoder_vocab_size=64,
        text_encoder_n_ctx=4,
        text_encoder_context_length=12,
        num_labels=CLASSES,
    )
    processor = t.OneFormerImageProcessorPil(size={"shortest_edge": 60, "longest_edge": 200})
    return t.OneFormerForUniversalSegmentation(config), processor


_EOMT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 16,
    "num_blocks": 1,
    "num_queries": 9,
    "num_labels": CLASSES,
}


def _eomt() -> tuple[nn.Module, Any]:
    model = t.EomtForUniversalSegmentation(t.EomtConfig(**_EOMT))
    size = {"shortest_edge": SIDE, "longest_edge": None}
    return model, t.EomtImageProcessorPil(size=size, do_split_image=True)


def _eomt_dinov3() -> tuple[nn.Module, Any]:
    model = t.EomtDinov3ForUniversalSegmentation(t.EomtDinov3Config(**_EOMT, intermediate_size=32))
    size = {"shortest_edge": SIDE, "longest_edge": SIDE}
    return model, t.EomtImageProcessorPil(size=size, do_pad=True)


def _segformer() -> tuple[nn.Module, Any]:
    config = t.SegformerConfig(
        num_labels=CLASSES,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
    )
    size = {"height": 48, "width": 80}
    return t.SegformerForSemanticSegmentation(config), t.SegformerImageProcessorPil(size=size)


def _dpt() -> tuple[nn.Module, Any]:
    config = t.DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=SIDE,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        num_labels=CLASSES,
    )
    return t.DPTForSemanticSegmentation(config), t.DPTImageProcessorPil(size={"height": SIDE, "width": SIDE})


def _beit() -> tuple[nn.Module, Any]:
    config = t.BeitConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=SIDE,
        out_indices=[1, 2, 3, 4],
        pool_scales=[1, 2],
        use_relative_position_bias=True,
        num_labels=CLASSES,
    )
    return t.BeitForSemanticSegmentation(config), t.BeitImageProcessorPil(size={"height": SIDE, "width": SIDE})


def _mobilevit() -> tuple[nn.Module, Any]:
    config = t.MobileViTConfig(
        hidden_sizes=[16, 16, 16],
        neck_hidden_sizes=[8, 8, 8, 16, 16, 16, 16],
        num_attention_heads=2,
        image_size=SIDE,
        aspp_out_channels=8,
        num_labels=CLASSES,
    )
    processor = t.MobileViTImageProcessorPil(size={"shortest_edge": 72}, do_center_crop=False)
    return t.MobileViTForSemanticSegmentation(config), processor


_MAKERS: dict[str, Callable[[], tuple[nn.Module, Any]]] = {
    "mask2former": _mask2former,
    "maskformer": _maskformer,
    "oneformer": _oneformer,
    "eomt": _eomt,
    "eomt_dinov3": _eomt_dinov3,
    "segformer": _segformer,
    "dpt": _dpt,
    "beit": _beit,
    "mobilevit": _mobilevit,
}
KINDS = tuple(_MAKERS)


def save(
    kind: str, folder: Path, filled: Callable[[nn.Module, int], nn.Module], **settings: Any
) -> tuple[nn.Module, Any]:
    """A network of a kind and its image processor, whose `settings` are changed, saved in a folder."""
    model, processor = _MAKERS[kind]()
    filled(model, 3).eval()
    if kind.startswith("eomt"):
        model.attn_mask_probs.zero_()  # as after training: no attention is masked
    for name, value in settings.items():
        setattr(processor, name, value)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if kind == "oneformer":
        tokenizer().save_pretrained(folder)
    return model, processor


def _vision() -> t.Sam2VisionConfig:
    backbone = t.Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIDE, SIDE],
        embed_dim_per_stage=[8, 16, 32, 64],
        blocks_per_stage=[1, 1, 2, 1],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        global_attention_blocks=[3],
        window_size_per_stage=[8, 4, 4, 2],
        window_positional_embedding_background_size=[2, 2],
    )
    return t.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=128,
    )


_TRACKER = {
    "image_size": SIDE,
    "memory_attention_hidden_size": 128,
    "memory_attention_num_layers": 1,
    "memory_attention_rope_feat_sizes": [4, 4],
    "memory_encoder_hidden_size": 128,
    "memory_encoder_output_channels": 64,
    "mask_downsampler_embed_dim": 128,
    "memory_fuser_embed_dim": 128,
    "memory_fuser_intermediate_dim": 16,
    "memory_fuser_num_layers": 1,
    "num_maskmem": 3,
    "max_object_pointers_in_encoder": 4,
}
_DECODER = {"hidden_size": 128, "mlp_dim": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def _sam2() -> nn.Module:
    prompts = t.Sam2VideoPromptEncoderConfig(hidden_size=128, image_size=SIDE, patch_size=16, mask_input_channels=4)
    decoder = t.Sam2VideoMaskDecoderConfig(**_DECODER, iou_head_hidden_dim=16)
    config = t.Sam2VideoConfig(
        vision_config=_vision(), prompt_encoder_config=prompts, mask_decoder_config=decoder, **_TRACKER
    )
    return t.Sam2VideoModel(config)


def _edgetam() -> nn.Module:
    prompts = t.EdgeTamVideoPromptEncoderConfig(hidden_size=128, image_size=SIDE, patch_size=16, mask_input_channels=4)
    decoder = t.EdgeTamVideoMaskDecoderConfig(**_DECODER, iou_head_hidden_dim=16)
    config = t.EdgeTamVideoConfig(
        vision_config=_vision(),
        prompt_encoder_config=prompts,
        mask_decoder_config=decoder,
        memory_attention_rope_k_sizes=[2, 2],
        perceiver_resampler_num_latents=4,
        perceiver_resampler_num_latents_2d=4,
        **_TRACKER,
    )
    return t.EdgeTamVideoModel(config)


def _videomt() -> nn.Module:
    config = t.VideomtConfig(**{**_EOMT, "num_hidden_layers": 4, "num_blocks": 2})
    return t.VideomtForUniversalSegmentation(config)


def save_video(kind: str, folder: Path, filled: Callable[[nn.Module, int], nn.Module]) -> Path:
    """A network of videos (`videomt`, `sam2_video` or `edgetam_video`) with its processor, saved in a folder."""
    makers = {"videomt": _videomt, "sam2_video": _sam2, "edgetam_video": _edgetam}
    model: Any = filled(makers[kind](), 5)
    if kind != "videomt":
        with torch.no_grad():  # segments stay in sight
            model.mask_decoder.pred_obj_score_head.proj_out.weight.zero_()
            model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(5)
    model.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").write_text(json.dumps({"size": {"height": SIDE, "width": SIDE}}))
    return folder


def tokenizer() -> t.CLIPTokenizer:
    """A tokenizer whose words are letters."""
    letters = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase)]
    special = ["<|startoftext|>", "<|endoftext|>"]
    return t.CLIPTokenizer(vocab={word: index for index, word in enumerate((*special, *letters))}, merges=[])


def library_scores(model: nn.Module, processor: Any, frame: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """The library's own input for a frame, and its scores and labels at the frame's size."""
    if isinstance(model, t.OneFormerForUniversalSegmentation):
        whole = t.OneFormerProcessor(processor, tokenizer(), task_seq_length=model.config.task_seq_len)
        inputs = whole([frame.numpy()], ["semantic"], return_tensors="pt")
    else:
        inputs = processor(frame.numpy(), return_tensors="pt")
    inputs = {name: value for name, value in inputs.items() if name != "patch_offsets" or value}
    made = processor.post_process_semantic_segmentation(
        model(**inputs), target_sizes=[tuple(frame.shape[1:])], return_segmentation_scores=True
    )
    return inputs["pixel_values"], made[0]


def change(folder: Path, file: str, **values: Any) -> None:
    """Set values in a JSON file of a saved network; None takes one out."""
    content = {**json.loads((folder / file).read_text()), **values}
    (folder / file).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
