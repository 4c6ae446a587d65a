"""Counts of multiply-accumulates against arithmetic, and counts without values against counts with them."""

import functools
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.measure.count.by_stage import FRAME, OURS, count_by_stage
from bench.measure.count.cost_of_method import Cost, cost_of, method_cost
from bench.measure.count.executed import executed_operators, total_macs
from bench.measure.count.frames import on_values
from bench.measure.count.traced import count_macs
from bench.methods import build
from mpvss.presets import SMALL
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.stages import STAGES

# Traced graphs, in which nothing is checked, are made sooner without the attempt.
pytestmark = pytest.mark.usefixtures("without_shape_checks")


@dataclass
class Shown:
    """A prediction whose label map is given."""

    map: Tensor

    def labels(self) -> Tensor:
        return self.map

    def scores(self) -> Tensor:
        return self.map


class Toy(nn.Module):
    """A method that does one thing on a key frame, and nothing on others."""

    num_classes = 2

    def __init__(self, make, work) -> None:
        super().__init__()
        self.layer = make()
        self.work = work

    def segment(self, frame):
        return Shown(self.work(self.layer, frame.float())), frame

    def propagate(self, frame, state):
        return Shown(frame[0]), state


def tokens(frame: Tensor, width: int) -> Tensor:
    """The frame's rows, each as `width` numbers: (3·H, width)."""
    return frame.flatten(0, 1)[:, :width]


def attend(heads: int, dim: int):
    def work(_, frame):
        x = tokens(frame, heads * dim).unflatten(1, (heads, dim)).transpose(0, 1)[None]
        return F.scaled_dot_product_attention(x, x, x)

    return work


def look_up(_, frame):
    index = torch.zeros(frame.shape[1], 5, dtype=torch.int32)
    table = frame[0, :, :6].contiguous()
    return F.embedding_bag(index, table, mode="sum", per_sample_weights=torch.ones(index.shape))


def sample(_, frame):
    grid = frame.new_zeros(1, 7, 9, 2)
    return F.grid_sample(frame[None], grid, align_corners=False)


def apply(layer, frame):
    return layer(frame[None])


TOYS = {
    # A key frame's count by arithmetic, of a frame of h x w.
    "conv": (lambda: nn.Conv2d(3, 5, 3, padding=1), apply, lambda h, w: h * w * 5 * 3 * 9),
    "strided": (
        lambda: nn.Conv2d(3, 5, 7, stride=2, padding=3, bias=False),
        apply,
        lambda h, w: -(-h // 2) * -(-w // 2) * 5 * 3 * 49,
    ),
    "enlarging": (lambda: nn.ConvTranspose2d(3, 4, 4, stride=2, padding=1), apply, lambda h, w: h * w * 3 * 4 * 16),
    "linear": (lambda: nn.Linear(6, 7), lambda layer, x: layer(tokens(x, 6)), lambda h, w: 3 * h * 6 * 7),
    "product": (nn.Identity, lambda _, x: x[0] @ x[1].T, lambda h, w: h * w * h),
    "einsum": (nn.Identity, lambda _, x: torch.einsum("hw,vw->hv", x[0], x[1]), lambda h, w: h * w * h),
    "baddbmm": (
        nn.Identity,
        lambda _, x: torch.baddbmm(x.new_zeros(1), x[:2], x[:2].transpose(1, 2)),
        lambda h, w: 2 * h * w * h,
    ),
    "attention": (nn.Identity, attend(2, 4), lambda h, w: 2 * (3 * h) * (3 * h) * (4 + 4)),
    "look-up": (nn.Identity, look_up, lambda h, w: h * 5 * 6),
    "sampling": (nn.Identity, sample, lambda h, w: 4 * 3 * 7 * 9),
    "resizing": (
        nn.Identity,
        lambda _, x: F.interpolate(x[None], scale_factor=2, mode="bilinear", align_corners=False),
        lambda h, w: 4 * 3 * 2 * h * 2 * w,
    ),
    "activation": (nn.Identity, lambda _, x: (x + 1).relu().softmax(0), lambda h, w: 0),
}


@pytest.mark.parametrize("size", [(9, 12), (200, 300)], ids=["small", "large"])
@pytest.mark.parametrize("name", TOYS)
def test_counts_by_arithmetic(name, size):
    make, work, expected = TOYS[name]
    toy = Toy(make, work)
    cost = cost_of(toy, size)
    assert (cost.key_macs, cost.non_key_macs, cost.not_counted) == (expected(*size), 0, ())
    assert count_macs(toy, size) == (expected(*size), 0), "fvcore"


# What each other counter makes of a toy, and what it names as left out; None where it agrees with arithmetic.
BLIND = {
    "conv": {"fvcore": None, "thop": None, "torch": None},
    # thop takes a transposed convolution for a plain one that makes the same output: stride² as much.
    "enlarging": {"fvcore": None, "thop": lambda macs: 4 * macs, "torch": None},
    "linear": {"fvcore": None, "thop": None, "torch": None},
    "product": {"fvcore": None, "thop": {"aten::mm": 1}, "torch": None},
    "baddbmm": {"fvcore": {"aten::baddbmm": 1}, "thop": {"aten::baddbmm": 1}, "torch": None},
    "attention": {
        "fvcore": {"aten::scaled_dot_product_attention": 1},
        "thop": {"aten::_scaled_dot_product_flash_attention_for_cpu": 1},
        "torch": {"aten::_scaled_dot_product_flash_attention_for_cpu": 1},
    },
    "look-up": {
        "fvcore": {"aten::embedding_bag": 1},
        "thop": {"aten::_embedding_bag_forward_only": 1},
        "torch": {"aten::_embedding_bag_forward_only": 1},
    },
    "sampling": {"fvcore": None, "thop": {"aten::grid_sampler_2d": 1}, "torch": {"aten::grid_sampler_2d": 1}},
    "resizing": {"fvcore": None, "thop": {"aten::upsample_bilinear2d": 1}, "torch": {"aten::upsample_bilinear2d": 1}},
}


@pytest.mark.parametrize("name", BLIND)
def test_what_other_counters_see(name):
    make, work, expected = TOYS[name]
    size = (10, 12)
    counts = count_by_stage(Toy(make, work), size)["key"][FRAME]
    macs = expected(*size)
    assert (counts[OURS].macs, dict(counts[OURS].left_out)) == (macs, {})
    for counter, seen in BLIND[name].items():
        sees = 0 if isinstance(seen, dict) else macs if seen is None else seen(macs)
        left_out = seen if isinstance(seen, dict) else {}
        assert (counts[counter].macs, dict(counts[counter].left_out)) == (sees, left_out), counter


def test_norms_of_a_transformer_are_left_out_by_flop_counter_mode():
    def work(layer, frame):
        return layer(tokens(frame, 6))

    counts = count_by_stage(Toy(lambda: nn.LayerNorm(6), work), (10, 12))["key"][FRAME]
    numbers = 3 * 10 * 6
    assert {name: count.macs for name, count in counts.items()} == {
        "ours": 5 * numbers,
        "fvcore": 5 * numbers,
        "thop": 4 * numbers,
        "torch": 0,
    }
    assert dict(counts["torch"].left_out) == {"aten::native_layer_norm": 1}


def test_unknown_operator_is_an_error_that_names_it():
    toy = Toy(nn.Identity, lambda _, x: torch.linalg.svdvals(x[0]))
    with pytest.raises(ValueError, match="operator aten::_linalg_svd is not known to the count"):
        count_by_stage(toy, (9, 12))


def test_a_frame_on_which_nothing_is_done_counts_nothing():
    other = count_by_stage(build("copy", backbone="nano", num_classes=CLASSES), SIZE)["non-key"]
    assert {name: (count.macs, dict(count.left_out)) for name, count in other[FRAME].items()} == dict.fromkeys(
        ("ours", "fvcore", "thop", "torch"), (0, {})
    )


def test_stages_add_up_and_the_method_is_left_as_it_was():
    model = build("mpvss", backbone="nano", num_classes=CLASSES)
    before = {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()}
    counts = count_by_stage(model, SIZE)
    assert [*counts["key"], *counts["non-key"]] == [
        *("backbone", "pixel decoder", "query decoder", "semantic inference", FRAME),
        *("motion encoder", "motion decoder", "flow head", "warp", "semantic inference", FRAME),
    ]
    for stages in counts.values():
        for counter in ("ours", "fvcore", "thop", "torch"):
            parts = [count[counter].macs for stage, count in stages.items() if stage != FRAME]
            assert sum(parts) == pytest.approx(stages[FRAME][counter].macs, rel=1e-5)
    assert {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()} == before
    assert all(parameter.requires_grad for parameter in model.parameters())
    cost = cost_of_name("mpvss", "lean")
    assert counts["key"][FRAME][OURS].macs == cost.key_macs
    # fvcore reads the count of an einsum, here of the folded flow head, from a report of four digits.
    assert counts["non-key"][FRAME][OURS].macs == pytest.approx(cost.non_key_macs, rel=1e-5)


@pytest.mark.parametrize("method", ["copy", "optical-flow", "mpvss", "mpvss-query-for-pf", "dff", "accel"])
def test_what_is_executed_is_what_is_counted(method):
    """On numbers, operator by operator, the count is that of the graph, and almost nothing is outside of a stage."""
    model = with_fixed_work(build(method, backbone="nano", num_classes=CLASSES))
    frame = torch.zeros(3, *SIZE)
    with torch.inference_mode():
        with executed_operators("rest") as key:
            prediction, state = model.segment(frame)
            prediction.labels()
        with executed_operators("rest") as other:
            model.propagate(frame, state)[0].labels()
    cost = cost_of_name(method, "lean")
    assert total_macs(key) == cost.key_macs
    assert total_macs(other) == pytest.approx(cost.non_key_macs, rel=1e-5)
    for executed in (key, other):
        assert sum(tally.macs for (stage, _), tally in executed.items() if stage == "rest") == 0
        assert {stage for stage, _ in executed} <= {*STAGES, "rest"}


def test_bytes_by_arithmetic():
    """Operands once, results once; a view moves nothing, and an expanded axis is there once."""
    first, second = torch.zeros(5, 7), torch.zeros(1, 11).expand(7, 11)
    with torch.inference_mode(), executed_operators("rest") as executed:
        (first @ second).relu_().transpose(0, 1).contiguous()
    assert {name: (tally.calls, tally.macs, tally.bytes) for (_, name), tally in executed.items()} == {
        "aten::mm": (1, 5 * 7 * 11, 4 * (5 * 7 + 11 + 5 * 11)),
        "aten::relu_": (1, 0, 4 * 2 * 55),
        "aten::transpose": (1, 0, 0),
        "aten::clone": (1, 0, 4 * 2 * 55),
    }


CLASSES = 3
SIZE = (64, 96)


@functools.cache
def cost_of_name(method: str, execution: str) -> Cost:
    """A method's cost with the smallest backbone."""
    return method_cost(method, backbone="nano", num_classes=CLASSES, size=SIZE, execution=execution)


@pytest.mark.parametrize("method", ["per-frame", "dff", "mpvss"])
def test_counting_without_values_is_counting(method):
    """Shapes alone give the count of a run on numbers, whatever pieces a CPU works in."""
    cost = cost_of_name(method, "lean")
    model = build(method, backbone="nano", num_classes=CLASSES)
    values = on_values(model, SIZE)
    assert (total_macs(values.key), total_macs(values.non_key)) == (cost.key_macs, cost.non_key_macs)
    assert cost.parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("method", ["per-frame", "dff", "accel", "mpvss"])
@pytest.mark.parametrize("execution", ["lean", "paper"])
def test_fvcore_counts_the_same(method, execution):
    """Fvcore's count of the traced graph, which holds nothing that no label is made of."""
    cost = cost_of_name(method, execution)
    model = build(method, backbone="nano", num_classes=CLASSES, execution=execution)
    assert count_macs(model, SIZE) == pytest.approx((cost.key_macs, cost.non_key_macs), rel=3e-4)


def test_optical_flow_by_arithmetic():
    """FlowNetS on the halved pair, one flow for all masks, then the semantic map."""
    height, width = (extent // 2 for extent in SIZE)
    widths, total = [6, *SMALL.motion_widths], 0
    kernels = [(7,), (5,), (5, 3), (3, 3), (3, 3), (3, 3)]
    maps = []
    for before, after, kinds in zip(widths, SMALL.motion_widths, kernels, strict=False):
        height, width = -(-height // 2), -(-width // 2)
        channels = before
        for kernel in kinds:
            total += height * width * channels * after * kernel**2
            channels = after
        maps.append((after, height * width))
    joined, area = maps[-1]
    for (channels, finer), enlarged in zip(maps[-2:0:-1], SMALL.flownet_widths, strict=True):
        total += area * (joined * 2 * 9 + 2 * 2 * 16 + joined * enlarged * 16)
        joined, area = channels + enlarged + 2, finer
    total += area * joined * 2 * 9
    pixels = SIZE[0] * SIZE[1]
    total += 4 * 6 * pixels // 4  # halving
    total += 4 * (2 + SMALL.queries) * pixels // 16  # the flow is enlarged to the masks, and each mask sampled
    total += 4 * SMALL.queries * pixels  # masks enlarged
    product = SMALL.queries * pixels * CLASSES
    cost = cost_of_name("optical-flow", "paper")
    # fvcore reads the count of an einsum from a report of four digits.
    assert cost.non_key_macs == pytest.approx(total + product, abs=1e-3 * product)


def test_relations_between_methods():
    segmentor = cost_of_name("per-frame", "lean").key_macs
    assert cost_of_name("per-frame", "lean").non_key_macs == segmentor
    assert cost_of_name("copy", "lean").non_key_macs == 0
    dff, flow, mpvss = (cost_of_name(method, "lean") for method in ("dff", "optical-flow", "mpvss"))
    assert {cost.key_macs for cost in (dff, flow, mpvss)} == {segmentor}
    assert segmentor > dff.non_key_macs > flow.non_key_macs


def test_accel_counts_both_branches():
    cost = method_cost("accel", backbone="nano", key_backbone="micro", num_classes=CLASSES, size=SIZE)
    large, small = (
        method_cost("per-frame", backbone="micro", num_classes=CLASSES, size=SIZE),
        cost_of_name("per-frame", "lean"),
    )
    flow = cost_of_name("optical-flow", "lean").parameters - small.parameters
    fusion = 2 * CLASSES * CLASSES + CLASSES
    assert cost.key_macs == large.key_macs
    assert cost.non_key_macs > small.key_macs
    assert cost.parameters == large.parameters + small.parameters + flow + fusion


@pytest.mark.parametrize(
    ("interval", "clip_length", "mean"),
    [
        (5, 15, (3 * 100 + 12 * 10) / 15),
        (4, 15, (4 * 100 + 11 * 10) / 15),
        (1, 15, 100),
        (15, 15, (100 + 14 * 10) / 15),
        (40, 15, (100 + 14 * 10) / 15),
        (3, 7, (3 * 100 + 4 * 10) / 7),
        (5, 1, 100),
    ],
)
def test_mean_over_a_clip(interval, clip_length, mean):
    assert Cost(1, 100, 10).mean_macs(interval, clip_length) == pytest.approx(mean, rel=1e-12)


def test_mean_over_the_frames_of_clips():
    """Clips of 7 and 2 frames at interval 5: key frames 0 and 5, and 0."""
    assert Cost(1, 100, 10).mean_over(5, [7, 2]) == pytest.approx((3 * 100 + 6 * 10) / 9, rel=1e-12)


def test_long_run_is_the_limit_of_long_clips():
    cost = Cost(1, 100, 10)
    assert cost.long_run_macs(5) == pytest.approx((100 + 4 * 10) / 5, rel=1e-12)
    assert cost.long_run_macs(5) == pytest.approx(cost.mean_macs(5, 10**7), rel=1e-6)


def test_a_mean_over_no_clips_is_refused():
    with pytest.raises(ValueError, match="no clips"):
        Cost(1, 100, 10).mean_over(5, [])


def test_clip_of_15_frames_unless_told():
    assert Cost(1, 100, 10).mean_macs(5) == Cost(1, 100, 10).mean_macs(5, 15)


@pytest.mark.parametrize(("interval", "clip_length"), [(0, 15), (-1, 15), (5, 0), (5, -3)])
def test_no_interval_or_clip_is_refused(interval, clip_length):
    with pytest.raises(ValueError, match="must be 1 or more"):
        Cost(1, 100, 10).mean_macs(interval, clip_length)


@pytest.mark.parametrize("size", [(0, 96), (64, -1)])
def test_frame_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match=f"frame size is {size[0]}x{size[1]}"):
        method_cost("per-frame", backbone="nano", num_classes=3, size=size)


def test_the_published_programs_mean():
    """39.0 G over 15 frames at interval 5, counted on the published program with the same counter."""
    cost = method_cost("mpvss", backbone="r50", num_classes=124, size=(480, 853), execution="paper")
    assert cost.mean_macs(5, 15) / 1e9 == pytest.approx(38.98, rel=1e-2)
