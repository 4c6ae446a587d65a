"""The published program's names for MRCFA's tensors, and what tells its variants apart."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from baselines.clips.names import method_facts
from baselines.segformer.names import CLASS_HEAD, PUBLISHED, SEGFORMER, UNUSED, is_published, segformer_facts
from mpvss.checkpoints.formats import CheckpointFormat, ClassHead, Naming, Rules, renamed

_RULES: Rules = (
    *PUBLISHED,
    (r"^decode_head\.sr(\d)\.", lambda m: f"reduce.{int(m[1]) - 2}."),
    (r"^decode_head\.sr1_feat\.", "value."),
    (r"^decode_head\.deco4\.smalldecoder\.1\.", "classify."),
    (r"^decode_head\.deco(\d)\.smalldecoder\.1\.", lambda m: f"classify_each.{int(m[1]) - 1}."),
    (r"^decode_head\.hypercorre_module\.q(\d)\.", lambda m: f"affinity.query.{int(m[1]) - 1}."),
    (r"^decode_head\.hypercorre_module\.k(\d)\.", lambda m: f"affinity.key.{int(m[1]) - 1}."),
    (r"^decode_head\.hypercorre_module\.hpn\.", "affinity.refiner."),
    (r"^(affinity\.refiner)\.encoder_layer(\d)\.", lambda m: f"{m[1]}.scales.{int(m[2]) - 2}."),
    (r"^(affinity\.refiner)\.encoder_layer(\d)to\d\.", lambda m: f"{m[1]}.merge.{4 - int(m[2])}."),
    # A chain is convolution, norm, ReLU, again and again.
    (r"^(affinity\.refiner\.\w+\.\d)\.(\d+)\.conv2\.", lambda m: f"{m[1]}.convs.{int(m[2]) // 3}."),
    (r"^(affinity\.refiner\.\w+\.\d)\.(\d+)\.", lambda m: f"{m[1]}.norms.{int(m[2]) // 3}."),
)


def mrcfa_facts(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """The method, SegFormer's facts, the size of reference tokens, and the depth of the refinement."""
    facts = method_facts(tensors) | segformer_facts(tensors)
    if "value.weight" in tensors:
        facts["references at"] = f"1/{8 * tensors['value.weight'].shape[-1]}"
    convolutions = [name for name in tensors if re.fullmatch(r"affinity\.refiner\.scales\.0\.convs\.\d+\.weight", name)]
    if convolutions:
        facts["convolutions in a refinement"] = len(convolutions)
    return facts


MRCFA_FORMAT = CheckpointFormat(
    namings=(Naming("published", is_published, lambda tensors: renamed(tensors, _RULES)), *SEGFORMER.namings[1:]),
    class_heads=(CLASS_HEAD, ClassHead(re.compile(r"^classify(_each\.\d+)?\.(weight|bias)$"))),
    unused=UNUSED,
    facts=mrcfa_facts,
)
"""MRCFA's checkpoints, and SegFormer's, which hold its first part."""
