"""Counting by layer, by arithmetic."""

import torch
import torch.nn.functional as F
from torch import nn

from bench.measure.count.calls import recorded_calls
from bench.measure.count.layer_counts import attention_macs, convolution_macs, layer_macs


def recorded(run):
    with torch.no_grad(), torch.device("meta"), recorded_calls("rest") as calls:
        run(torch.empty(1, 4, 10, 12, device="meta"))
    return calls.calls


def test_layers_with_their_biases_relus_and_pools():
    def run(x):
        x = nn.Conv2d(4, 8, 3, padding=1)(x)
        x = F.relu_(nn.BatchNorm2d(8).eval()(x))
        x = F.max_pool2d(x, 2)
        F.interpolate(x, scale_factor=2, mode="bilinear")
        nn.Linear(8, 5)(x.flatten(2)[0].T)

    pixels = 10 * 12
    convolution, bias, relu, pool = 9 * 4 * 8 * pixels, 8 * pixels, 8 * pixels, 8 * pixels
    calls = recorded(run)
    assert layer_macs(calls) == convolution + bias + relu + pool + 8 * 5 * pixels // 4
    assert convolution_macs(calls) == convolution
    assert attention_macs(calls) == 0


def test_attention_is_apart_whichever_way_it_is_computed():
    def run(x):
        queries = x.flatten(2)  # (1, 4, 120)
        (queries @ queries.mT).softmax(-1) @ queries
        F.scaled_dot_product_attention(queries[None], queries[None], queries[None])

    calls = recorded(run)
    assert layer_macs(calls) == 0
    assert attention_macs(calls) == 2 * (2 * 4 * 4 * 120)
