"""Ways to count a cell of another publication's row: by the project's rules, a tool's, or in another configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from baselines.clips.start import OFFSETS, REFERENCES, reference_frames
from baselines.cnn.presets import Network
from baselines.mrcfa.network import ReferenceStride
from bench.measure.count import rival_counts as rivals
from bench.measure.count.layer_counts import attention_macs, convolution_macs, layer_macs
from bench.measure.count.rival_counts import Calls

Setting = tuple[tuple[int, int], int]
"""Height and width of a frame, and how many classes there are."""
VSPW: Setting = ((480, 853), 124)
"""Of Table 1."""
CITYSCAPES: Setting = ((1024, 2048), 19)
"""Of Table 2."""
HALF_SIZE = (512, 1024)
"""Height and width at which the published programs of CFFM-VSS and MRCFA train and test on Cityscapes."""
ADE_CLASSES = 150
CLIP = 15
"""Frames of the clip that the paper's means are over."""
TOOL = "by layer, as mmsegmentation's tool counts"
CAPTION = "the figure is of 512x1024, while the table's caption says 1024x2048"


@dataclass(frozen=True)
class Way:
    """One way to count a cell, in words, and the count in multiply-accumulates or parameters."""

    what: str
    count: Callable[[], float]


@dataclass(frozen=True)
class RivalCell:
    """How a cell is counted: by the project's rules at the caption's setting, and in other ways."""

    ours: Way
    others: tuple[Way, ...] = ()
    contradiction: str = ""
    """Why the printed figure cannot be right, or what is known of where it comes from."""


Key = tuple[str, str, str, str]
"""Table, method, backbone and quantity, as the paper calls them."""


def total_of(calls: Calls) -> int:
    """Everything that the calls execute."""
    return sum(call.macs for call in calls)


def cnn_macs(network: Network, name: str, setting: Setting, depth: int = 101) -> RivalCell:
    """MACs of mmsegmentation's network, called `name`."""
    calls = partial(rivals.image_calls, network, *setting, depth=depth)
    return RivalCell(Way(name, lambda: total_of(calls())), (Way(TOOL, lambda: layer_macs(calls())),))


def cnn_weights(network: Network, name: str, classes: int, *others: tuple[str, dict]) -> RivalCell:
    """Parameters of mmsegmentation's network, and of the `others`: in words, and the options of `cnn_network`."""

    def count(**options) -> float:
        return rivals.parameters(rivals.cnn_network(network, classes, **options))

    ways = (Way(what, partial(count, **options)) for what, options in others)
    return RivalCell(Way(name, count), tuple(ways))


def segformer_macs(backbone: str, setting: Setting, width: int, *, ade: bool = False) -> RivalCell:
    """MACs of SegFormer; `ade`: also with the classes of ADE20K, which the printed figure turns out to be of."""
    size, classes = setting

    def by_layer(classes: int) -> float:
        calls = rivals.segformer_calls(backbone, size, classes, width)
        return layer_macs(calls) + attention_macs(calls)

    tool = Way(f"{TOOL}, and attention", partial(by_layer, classes))
    others = (tool, Way(f"the same with the {ADE_CLASSES} classes of ADE20K", partial(by_layer, ADE_CLASSES)))
    ours = Way(f"decoder of width {width}", lambda: total_of(rivals.segformer_calls(backbone, size, classes, width)))
    return RivalCell(ours, others if ade else others[:1])


def segformer_weights(backbone: str, classes: int, width: int, *, narrow: bool = False, ade: bool = False) -> RivalCell:
    """Parameters of SegFormer; `narrow`: also with the decoder of width 256; `ade`: as of ADE20K."""

    def count(classes: int, width: int) -> float:
        return rivals.parameters(rivals.segformer_network(backbone, classes, width))

    def with_unused() -> float:
        return count(ADE_CLASSES, width) + ADE_CLASSES * (width + 1)

    others = [Way("decoder of width 256", partial(count, classes, 256))] if narrow else []
    if ade:
        others.append(Way(f"{ADE_CLASSES} classes (ADE20K) and the second classifier, which nothing uses", with_unused))
    return RivalCell(Way(f"decoder of width {width}", partial(count, classes, width)), tuple(others))


def clip_mean(backbone: str, calls: Callable[[], Calls]) -> float:
    """A clip's mean frame by layer, with the attention of one frame alone: the nearest reading of two of VSPW's rows.

    The first frames of a clip are segmented alone.
    """
    alone = rivals.segformer_calls(backbone, *VSPW, 256)
    attention = attention_macs(alone)
    frames_alone = sum(not reference_frames(index) for index in range(OFFSETS[0]))
    four = layer_macs(calls()) + attention
    return (frames_alone * (layer_macs(alone) + attention) + (CLIP - frames_alone) * four) / CLIP


def vspw_clip_macs(what: str, backbone: str, calls: Callable[[], Calls]) -> RivalCell:
    """MACs of a method that sees four frames, on VSPW."""
    others = (
        Way("one frame alone", lambda: total_of(rivals.segformer_calls(backbone, *VSPW, 256))),
        Way("by layer, attention of one frame, mean of a clip", lambda: clip_mean(backbone, calls)),
    )
    reason = f"no frame size gives the cells of both backbones with {REFERENCES + 1} frames; no source is known"
    return RivalCell(Way(what, lambda: total_of(calls())), others, reason)


def cffm_macs(backbone: str) -> RivalCell:
    """MACs of CFFM-VSS on Cityscapes."""
    return RivalCell(
        Way("4 frames of 1024x2048", lambda: total_of(rivals.cffm_calls(backbone, *CITYSCAPES))),
        (Way("4 frames of 512x1024", lambda: total_of(rivals.cffm_calls(backbone, HALF_SIZE, CITYSCAPES[1]))),),
        CAPTION,
    )


def mrcfa_macs(backbone: str) -> RivalCell:
    """MACs of MRCFA on Cityscapes."""

    def half(stride: ReferenceStride) -> float:
        return total_of(rivals.mrcfa_calls(backbone, HALF_SIZE, CITYSCAPES[1], stride))

    return RivalCell(
        Way("4 frames of 1024x2048", lambda: total_of(rivals.mrcfa_calls(backbone, *CITYSCAPES))),
        (
            Way("4 frames of 512x1024", partial(half, 32)),
            Way("the same, references at 1/16, which the printed parameters are of", partial(half, 16)),
        ),
        f"{CAPTION}; parameters and GFLOPs are of two variants",
    )


def cffm_weights(backbone: str, classes: int) -> RivalCell:
    """Parameters of CFFM-VSS."""
    return RivalCell(Way("the network", lambda: rivals.parameters(rivals.cffm_network(backbone, classes))))


def mrcfa_weights(backbone: str, classes: int, *, variant: bool = False) -> RivalCell:
    """Parameters of MRCFA; `variant`: also of the one with finer references."""

    def count(stride: ReferenceStride) -> float:
        return rivals.parameters(rivals.mrcfa_network(backbone, classes, stride))

    other = Way("references at 1/16, a variant that was not released", partial(count, 16))
    return RivalCell(Way("the released network", partial(count, 32)), (other,) if variant else ())


def netwarp_macs() -> float:
    """Two passes of the library's OCRNet by layer, and RAFT's convolutions."""
    return 2 * layer_macs(rivals.image_calls("ocrnet", *VSPW)) + convolution_macs(rivals.raft_calls(VSPW[0]))


def accel_macs(depth: int) -> Way:
    """Accel with an update branch of `depth`."""
    cost = partial(rivals.accel_cost, *CITYSCAPES, depth)
    return Way(f"Accel-{depth} at interval 5", lambda: cost().long_run_macs(5))


def dff_macs(interval: int) -> Way:
    """DFF with a key frame in `interval` frames."""
    return Way(f"interval {interval}", lambda: rivals.dff_cost(*CITYSCAPES).long_run_macs(interval))
