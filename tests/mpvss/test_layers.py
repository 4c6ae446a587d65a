"""Work in pieces."""

import pytest
import torch

from mpvss import layers
from mpvss.layers import count_at_once, in_pieces


@pytest.mark.parametrize(("piece", "lengths"), [(40, [10, 3]), (1, [1] * 13), (400, [13])])
def test_in_pieces(monkeypatch, piece, lengths):
    """Members are taken in their order, as many as `CACHED` numbers are, and always one."""
    monkeypatch.setattr(layers, "CACHED", piece)
    generator = torch.Generator().manual_seed(0)
    x, shared = torch.randn(2, 13, 4, generator=generator), torch.randn(1, 13, 4, generator=generator)
    seen = []

    def function(x, shared):
        seen.append(x.shape[1])
        return (x * shared).sum(-1)

    assert torch.equal(in_pieces(function, x, shared, width=4), (x * shared).sum(-1))
    assert seen == lengths


def test_a_cache_bounds_a_cpu_and_memory_the_other_devices(monkeypatch):
    monkeypatch.setattr(layers, "ELSEWHERE", 40)
    assert count_at_once(torch.device("cuda"), 4) == 10
    assert count_at_once(torch.device("meta"), 41) == 1
    assert count_at_once(torch.device("cpu"), 4) > 10


def test_other_devices_are_given_the_whole(monkeypatch):
    monkeypatch.setattr(layers, "CACHED", 1)
    x = torch.empty(1, 5, 2, device="meta")
    assert in_pieces(lambda x: x, x, width=2) is x
