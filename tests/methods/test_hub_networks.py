"""Configurations of the hub's models, with the sizes that their papers give, and the names that they have here."""

import pytest

from bench.methods.hub_networks import check_network
from mpvss.errors import UserError


def mask2former(embed_dim, depths, heads, window, queries=100):
    backbone = {"model_type": "swin", "embed_dim": embed_dim, "depths": depths, "num_heads": heads}
    return {
        "architectures": ["Mask2FormerForUniversalSegmentation"],
        "backbone_config": {**backbone, "window_size": window},
        "num_queries": queries,
        "id2label": {str(index): "" for index in range(19)},
    }


def segformer(hidden_sizes, depths, decoder):
    return {
        "architectures": ["SegformerForSemanticSegmentation"],
        "hidden_sizes": hidden_sizes,
        "depths": depths,
        "num_attention_heads": [1, 2, 5, 8],
        "decoder_hidden_size": decoder,
        "id2label": {str(index): "" for index in range(150)},
    }


NARROW, WIDE = [32, 64, 160, 256], [64, 128, 320, 512]
PUBLISHED = {
    "swin-t": mask2former(96, [2, 2, 6, 2], [3, 6, 12, 24], 7),
    "swin-s": mask2former(96, [2, 2, 18, 2], [3, 6, 12, 24], 7),
    "swin-b": mask2former(128, [2, 2, 18, 2], [4, 8, 16, 32], 12),
    "swin-l": mask2former(192, [2, 2, 18, 2], [6, 12, 24, 48], 12),
    "segformer-b0": segformer(NARROW, [2, 2, 2, 2], 256),
    "segformer-b1": segformer(WIDE, [2, 2, 2, 2], 256),
    "segformer-b2": segformer(WIDE, [3, 4, 6, 3], 768),
    "segformer-b3": segformer(WIDE, [3, 4, 18, 3], 768),
    "segformer-b4": segformer(WIDE, [3, 8, 27, 3], 768),
    "segformer-b5": segformer(WIDE, [3, 6, 40, 3], 768),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    config = PUBLISHED[name]
    assert check_network("hub:org/it", config, name, {}) == len(config["id2label"])
    other = "r50" if name.startswith("segformer") else "segformer-b0"
    with pytest.raises(UserError, match=f"hub:org/it is the network called {name}, not {other}; write {name}=hub:org"):
        check_network("hub:org/it", config, other, {})


def test_a_width_that_is_not_the_published():
    config = {**PUBLISHED["segformer-b1"], "decoder_hidden_size": 768}
    assert check_network("hub:org/it", config, "segformer-b1-768", {}) == 150
    with pytest.raises(UserError, match="is the network called segformer-b1-768, not segformer-b1;"):
        check_network("hub:org/it", config, "segformer-b1", {})


def test_a_width_under_its_short_and_its_long_name():
    for name in ("segformer-b2", "segformer-b2-768"):
        assert check_network("hub:org/it", PUBLISHED["segformer-b2"], name, {}) == 150


def test_other_queries():
    with pytest.raises(UserError, match="is of none of the sizes that the project has: r50, "):
        check_network("hub:org/it", mask2former(192, [2, 2, 18, 2], [6, 12, 24, 48], 12, queries=200), "swin-l", {})


@pytest.mark.parametrize(("key", "value"), [("num_queries", None), ("backbone_config", {"model_type": "swin"})])
def test_a_configuration_that_lacks_something(key, value):
    config = {name: each for name, each in PUBLISHED["swin-t"].items() if name != key}
    with pytest.raises(UserError, match=r"hub:org/it has a config.json of another form: "):
        check_network("hub:org/it", config if value is None else {**config, key: value}, "swin-t", {})
