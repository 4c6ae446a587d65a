"""Recorded calls: which of them a result is made of, and that remembering shapes changes none."""

import pytest
import torch

from bench.measure.count.calls import recorded_calls, tallied
from bench.measure.count.executed import executed_operators
from bench.measure.count.shapes import call_on_shapes


def on_meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def test_work_that_nothing_uses_is_not_behind_a_result():
    with torch.no_grad(), recorded_calls("rest") as recorded:
        x = on_meta(5, 7)
        used = x @ on_meta(7, 11)
        x @ on_meta(7, 13)  # nothing uses it
        used += x @ on_meta(7, 11)
        result = used[:, :3].relu()
    macs = [call.macs for call in recorded.calls if call.macs]
    assert macs == [5 * 7 * 11, 5 * 7 * 13, 5 * 7 * 11]
    assert sum(call.macs for call in recorded.behind(result)) == 2 * 5 * 7 * 11


def test_what_is_written_into_a_part_is_behind_the_whole():
    with torch.no_grad(), recorded_calls("rest") as recorded:
        whole = on_meta(4, 6)
        whole[0] = on_meta(2, 8).mv(on_meta(8)).repeat(3)
    assert sum(call.macs for call in recorded.behind(whole)) == 2 * 8


def test_a_result_made_before_has_nothing_behind_it():
    before = on_meta(3)
    with recorded_calls("rest") as recorded:
        before + 1
    assert recorded.behind(before) == []


def test_calls_add_up_to_what_is_executed():
    def work() -> None:
        x = on_meta(1, 3, 9, 12)
        for _ in range(2):
            x = torch.nn.functional.conv2d(x, on_meta(3, 3, 3, 3), padding=1).relu_()
        torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")

    with torch.no_grad():
        with recorded_calls("rest") as recorded:
            work()
        with executed_operators("rest") as executed:
            work()
    moving = [{key: tally for key, tally in x.items() if tally.bytes} for x in (tallied(recorded.calls), executed)]
    assert moving[0] == moving[1]
    assert [key[1] for key in moving[0]] == ["aten::convolution", "aten::relu_", "aten::upsample_bilinear2d"]


@pytest.mark.parametrize("scalar", [1, 1.0, True])
def test_equal_arguments_of_other_types_are_told_apart(scalar):
    add = torch.ops.aten.add.Tensor
    x = torch.empty(3, dtype=torch.int32, device="meta")
    for value in (1, 1.0, True):
        call_on_shapes(torch.ops.aten.mul.Scalar, (x, value), {})
    expected = torch.ones(3, dtype=torch.int32) * scalar
    assert call_on_shapes(torch.ops.aten.mul.Scalar, (x, scalar), {}).dtype == expected.dtype
    out = call_on_shapes(add, (x, x), {"alpha": 2})
    assert (out.shape, out.dtype, out.device.type) == (x.shape, x.dtype, "meta")
