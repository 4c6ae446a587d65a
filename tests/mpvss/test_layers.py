"""Work in pieces."""

import pytest
import torch

from mpvss import layers
from mpvss.layers import in_pieces


@pytest.mark.parametrize(("piece", "lengths"), [(40, [10, 3]), (1, [1] * 13), (400, [13])])
def test_in_pieces(monkeypatch, piece, lengths):
    """Members are taken in their order, as many as `PIECE` numbers are, and always one."""
    monkeypatch.setattr(layers, "PIECE", piece)
    generator = torch.Generator().manual_seed(0)
    x, shared = torch.randn(2, 13, 4, generator=generator), torch.randn(1, 13, 4, generator=generator)
    seen = []

    def function(x, shared):
        seen.append(x.shape[1])
        return (x * shared).sum(-1)

    assert torch.equal(in_pieces(function, x, shared, width=4), (x * shared).sum(-1))
    assert seen == lengths


def test_other_devices_are_given_the_whole(monkeypatch):
    monkeypatch.setattr(layers, "PIECE", 1)
    x = torch.empty(1, 5, 2, device="meta")
    assert in_pieces(lambda x: x, x, width=2) is x
