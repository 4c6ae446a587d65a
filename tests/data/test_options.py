"""Options at the end of a data spec: one parser for every kind of data."""

import pytest

from bench.data import open_dataset
from bench.data.options import split_path
from bench.train.flow_data import open_flow_clips
from mpvss.errors import UserError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("clips=many", "clips is 'many'; it must be a whole number"),
        ("clips=-1", "clips is '-1'; it must be a whole number"),
        ("clips=1_0", "clips is '1_0'; it must be a whole number"),
        ("size=64", "size is '64'; it must be HEIGHTxWIDTH, as 96x160"),
        ("clips", "option clips has no value; write clips=VALUE"),
        ("seed=1,clips=2,seed=3", "option seed is given twice"),
        ("clip=2", "unknown option 'clip'; options are .*clips, frames, size, seed"),
    ],
)
@pytest.mark.parametrize("kind", ["generated", "synthetic"])
def test_what_is_no_option_is_refused(kind, options, message):
    with pytest.raises(UserError, match=f"{kind}: {message}"):
        open_dataset(f"{kind}:{options}")


@pytest.mark.parametrize("options", ["pears=3", "pairs=many", "pairs", "size=64", "pairs=1,pairs=2"])
def test_flying_shapes_are_read_by_the_same_rules(options):
    with pytest.raises(UserError, match=rf"flying-shapes: .*{options.partition('=')[0]}"):
        open_flow_clips(f"flying-shapes:{options}", 1.0)


def test_only_what_ends_a_path_is_an_option():
    assert split_path("a,b=1/c") == ("a,b=1/c", "")
    assert split_path("a,b=1/c,split=train") == ("a,b=1/c", "split=train")
    assert split_path("a,split=val,more=2") == ("a", "split=val,more=2")
    assert split_path(",split=val") == ("", "split=val")


def test_a_size_that_no_memory_holds_is_refused():
    with pytest.raises(UserError, match="size is '100000x100000'; it must be 67108864 pixels or fewer"):
        open_dataset("generated:size=100000x100000")
