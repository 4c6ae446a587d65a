"""Which video method a checkpoint is of: SegFormer's tensors in CFFM-VSS and MRCFA have the same names."""

from __future__ import annotations

import re
from collections.abc import Iterable

_METHODS = {
    "CFFM-VSS": re.compile(r"(decode_head\.decoder_focal|layers)\."),
    "MRCFA": re.compile(r"(decode_head\.hypercorre_module|affinity)\."),
}
"""How the names of tensors begin that only this method has: the published ones, and ours."""


def method_facts(names: Iterable[str]) -> dict[str, object]:
    """The method that a checkpoint's names are of; none where it is of SegFormer alone."""
    names = list(names)
    method = next((method for method, own in _METHODS.items() if any(own.match(name) for name in names)), None)
    return {} if method is None else {"method": method}
