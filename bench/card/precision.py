"""Whether a card may round float32 products to TF32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow TF32 in products and convolutions, or forbid it; what was set before is set again.

    A V100, the paper's card, has no TF32; torch allows it in convolutions by default.
    """
    before = bool(torch.backends.cuda.matmul.allow_tf32), bool(torch.backends.cudnn.allow_tf32)
    _allow(allowed, allowed)
    try:
        yield
    finally:
        _allow(*before)


def _allow(in_products: bool, in_convolutions: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = in_products
    torch.backends.cudnn.allow_tf32 = in_convolutions  # type: ignore[attr-defined]
