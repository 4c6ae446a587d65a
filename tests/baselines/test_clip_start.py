"""Which frames CFFM-VSS and MRCFA refer to."""

import pytest

from baselines.cffm import build_cffm
from baselines.clips.start import TooFewFramesError, needed_later, reference_frames


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, ()),
        (2, ()),
        (3, (0, 1, 2)),
        (4, (0, 2, 3)),
        (5, (0, 2, 4)),
        (6, (0, 2, 4)),
        (7, (0, 3, 5)),
        (8, (0, 3, 6)),
        (9, (0, 3, 6)),
        (10, (1, 4, 7)),
        (100, (91, 94, 97)),
    ],
)
def test_published_rule(index, expected):
    assert reference_frames(index) == expected


@pytest.mark.parametrize("rule", ["vspw", "cityscapes"])
def test_what_is_needed_later(rule):
    """Frame by frame, what any later frame up to a hundred refers to."""
    for index in range(60):
        first = index + 1 if rule == "vspw" else max(index + 1, 9)
        referred = {frame for later in range(first, 100) for frame in reference_frames(later, rule)}
        assert needed_later(index, rule) == {frame for frame in referred if frame <= index}
        assert len(needed_later(index, rule)) <= 9


def test_early_frames_without_a_rule():
    assert reference_frames(9, "cityscapes") == (0, 3, 6)
    for index in range(9):
        with pytest.raises(TooFewFramesError, match=rf"frame {index} of the clip .* needs 9 frames before it"):
            reference_frames(index, "cityscapes")


def test_unknown_rule(without_shape_checks):
    with pytest.raises(ValueError, match="clip_start is 'kitti'; it must be vspw or cityscapes"):
        build_cffm("mit-nano", 5, clip_start="kitti")
