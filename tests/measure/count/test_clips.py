"""What clips of methods without key frames cost, whose frames differ by their place in the clip."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from baselines.dvsnet import build_dvsnet
from bench.measure.count.clips import ClipMacs
from bench.measure.count.cost_of_method import cost_of, method_cost
from bench.measure.count.frames import SETTLED, count_frames
from bench.measure.count.table import cost
from mpvss.errors import UserError

SIZE = (6, 10)
ONCE = 3 * 6 * 10
"""MACs of one 1x1 convolution from three channels to one."""


class Prediction:
    def __init__(self, classes: Tensor) -> None:
        self.classes = classes

    def labels(self) -> Tensor:
        return self.classes.to(torch.uint8)


class Remembering(nn.Module):
    """Convolves the first three frames of a clip once, and every later one four times, as CFFM-VSS does by stages."""

    key_frames = False
    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1, bias=False)

    def segment(self, frame: Tensor) -> tuple[Prediction, int]:
        return self.propagate(frame, 0)

    def propagate(self, frame: Tensor, state: int) -> tuple[Prediction, int]:
        maps = [self.conv(frame.float()[None])[0, 0] for _ in range(1 if state < 3 else 4)]
        return Prediction(sum(maps[1:], maps[0])), state + 1


class Describing(Remembering):
    """Convolves each frame of a clip once, `lookahead` frames before its turn, as TCB does."""

    lookahead = 3

    def segment(self, frame: Tensor, *, coming=()) -> tuple[Prediction, int]:
        return self.propagate(frame, 0, coming=(frame, *coming))

    def propagate(self, frame: Tensor, state: int, *, coming=()) -> tuple[Prediction, int]:
        new = coming if state == 0 else coming[-1:] if len(coming) == self.lookahead else ()
        maps = [self.conv(one.float()[None])[0, 0] for one in new]
        return Prediction(sum(maps, torch.zeros_like(frame[0]).float())), state + 1


class Sometimes(Remembering):
    """Convolves a later frame twice where it is bright, and else not at all."""

    def __init__(self, often: int | None = None) -> None:
        super().__init__()
        self.often = often

    def propagate(self, frame: Tensor, state: int) -> tuple[Prediction, int]:
        often = self.often if self.often is not None else 2 * int(frame.float().mean() > 99)
        maps = [self.conv(frame.float()[None])[0, 0] for _ in range(1 if state == 0 else often)]
        return Prediction(sum(maps, torch.zeros_like(frame[0]).float())), state + 1

    def with_least_work(self) -> Sometimes:
        return Sometimes(0)

    def with_most_work(self) -> Sometimes:
        return Sometimes(2)


class TestArithmetic:
    def test_a_method_that_only_remembers(self):
        clips = ClipMacs((100, 70), 10)
        assert [clips.total(length) for length in (1, 2, 3, 15)] == [100, 170, 180, 300]

    def test_a_method_that_looks_ahead(self):
        clips = ClipMacs((100, 70), 10, (1, 2), {5: 77})
        assert clips.total(SETTLED + 2) == 100 + 70 + (SETTLED - 2) * 10 + 1 + 2
        assert clips.total(SETTLED + 90) == 100 + 70 + (SETTLED + 86) * 10 + 1 + 2
        assert clips.total(5) == 77
        with pytest.raises(UserError, match="clips of 6 frames were not counted"):
            clips.total(6)


class TestCounted:
    def test_the_start_of_a_clip(self):
        found = cost_of(Remembering(), SIZE)
        assert found.clips == ClipMacs((ONCE,) * 3, 4 * ONCE)
        assert (found.key_macs, found.non_key_macs) == (ONCE, 4 * ONCE)
        # Whatever the interval, since there are no key frames.
        assert found.mean_macs(5, 15) == found.mean_macs(1, 15) == (3 + 12 * 4) * ONCE / 15
        assert found.mean_over(1, [2, 15]) == (2 + 3 + 12 * 4) * ONCE / 17
        assert found.long_run_macs(5) == 4 * ONCE

    def test_both_ends_of_a_clip(self):
        """Each frame is convolved once, whenever: first four at once, then one a frame, and none for the last three."""
        found = cost_of(Describing(), SIZE, clip_lengths=[1, 2, 4, 12])
        assert found.clips is not None
        assert found.clips.opening == (4 * ONCE,)
        assert (found.clips.settled, found.clips.ending) == (ONCE, (0, 0, 0))
        for length in (1, 2, 4, 12, 13, 60):
            assert found.mean_macs(1, length) == ONCE

    def test_a_method_that_does_not_run_on_shapes(self):
        class Measuring(Remembering):
            def propagate(self, frame, state):
                return super().propagate(frame, state + int(frame.float().min() < 0))

        found = cost_of(Measuring(), SIZE)
        assert found.clips == ClipMacs((ONCE,), ONCE)  # run on numbers: the first two frames alone

    def test_a_frame_far_from_the_ends_is_counted(self):
        frames = count_frames(Remembering(), SIZE)
        calls = [frames.key, frames.non_key]
        assert [sum(t.calls for (_, name), t in each.items() if "convolution" in name) for each in calls] == [1, 4]

    def test_work_that_depends_on_what_is_in_a_frame(self):
        found = cost_of(Sometimes(), SIZE)
        assert (found.key_macs, found.non_key_macs, found.most_non_key_macs) == (ONCE, 0, 2 * ONCE)
        assert cost_of(Remembering(), SIZE).most_non_key_macs is None


class TestRivals:
    def test_cffm(self):
        """By fvcore 80.01 G of four frames; a clip's first frames run SegFormer alone."""
        setting = {"num_classes": 19, "size": (512, 1024), "execution": "paper"}
        found = method_cost("cffm", backbone="mit-b0", **setting)
        assert found.non_key_macs / 1e9 == pytest.approx(80.01, abs=0.005)
        alone = method_cost("per-frame", backbone="segformer-b0", **setting).key_macs
        assert found.key_macs == alone
        assert found.mean_macs(1, 15) == pytest.approx((3 * alone + 12 * found.non_key_macs) / 15)

    def test_dvsnet(self):
        """From the published layers: 632 G where all four regions are segmented, 8 G where all are warped."""
        (row,) = cost(["dvsnet"], backbones=["r101"], size=(1024, 2048), num_classes=19)
        assert row.most_non_key_macs is not None
        assert row.lean_key_macs / 1e9 == pytest.approx(632, rel=0.01)
        assert row.lean_non_key_macs / 1e9 == pytest.approx(8, abs=1)
        assert row.most_non_key_macs / 1e9 == pytest.approx(632 + 8, rel=0.01)

    def test_dvsnet_decides_by_its_network_again_afterwards(self):
        method = build_dvsnet(5, depth=50).eval()
        assert (method.with_least_work().sent, method.with_most_work().sent, method.sent) == (0, 4, None)
        frames = torch.randint(0, 256, (2, 3, 64, 96), generator=torch.Generator().manual_seed(0)).float()
        for threshold, renewed in ((0.0, False), (101.0, True)):
            method.threshold = threshold
            with torch.inference_mode():
                _, state = method.segment(frames[0])
                _, after = method.propagate(frames[1], state)
                _, least = method.with_least_work().propagate(frames[1], state)
                _, most = method.with_most_work().propagate(frames[1], state)
            assert torch.equal(after.scores, state.scores) != renewed
            assert torch.equal(least.scores, state.scores)
            assert not torch.equal(most.scores, state.scores)
