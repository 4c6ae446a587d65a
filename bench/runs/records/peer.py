"""`peer-*.json`: speed and memory beside the `transformers` library, from `mpvss-bench peer --out`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bench.runs.records import migrations
from bench.runs.records.base import Count, Kind, Name, Part, Positive, Quantity, Record, Share
from bench.runs.records.environment import Environment

_KEBAB = {"non_key": "non-key"}


class PeerConfiguration(Part, kw_only=True, frozen=True):
    """What was compared."""

    backbone: Annotated[Name, Meta(description="a Swin")]
    size: Annotated[list[Positive], Meta(min_length=2, max_length=2, description="height and width of the frame")]
    num_classes: Annotated[Positive, Meta(description="how many classes")]
    seed: Annotated[int, Meta(description="of the weights and the order")]
    device: Annotated[str, Meta(description="`cpu` or `cuda`")]


class PeerLabels(Part, kw_only=True, frozen=True):
    """The labels of the key frame in float32."""

    pixels: Annotated[Count, Meta(description="how many there are")]
    classes: Annotated[Count, Meta(description="how many classes occur")]
    most_common_share: Annotated[Share, Meta(description="share of the most common class")]


class PeerSamples(Part, kw_only=True, frozen=True, rename=_KEBAB):
    """Every time, in seconds."""

    peer: Annotated[list[Quantity], Meta(min_length=1, description="of the peer")]
    key: Annotated[list[Quantity], Meta(min_length=1, description="of a key frame")]
    non_key: Annotated[list[Quantity], Meta(min_length=1, description="of a non-key frame")]


class PeerMedians(Part, kw_only=True, frozen=True, rename=_KEBAB):
    """Median times, in seconds."""

    peer: Annotated[float, Meta(gt=0, description="of the peer")]
    key: Annotated[Quantity, Meta(description="of a key frame")]
    non_key: Annotated[Quantity, Meta(description="of a non-key frame")]


class PeerRatios(Part, kw_only=True, frozen=True, rename=_KEBAB):
    """Our median times over the peer's."""

    key: Annotated[Quantity, Meta(description="of a key frame")]
    non_key: Annotated[Quantity, Meta(description="of a non-key frame")]


class LabelsUnlike(Part, kw_only=True, frozen=True):
    """Labels that differ from others."""

    frame: Annotated[Kind, Meta(description="kind of frame")]
    beside: Annotated[str, Meta(description="`peer`, `published graph` or `float32`")]
    pixels: Annotated[Count, Meta(description="how many labels differ")]
    widest_gap: Annotated[float | None, Meta(description="how far apart the two best scores are at most where they do")]


class PeerMode(Part, kw_only=True, frozen=True):
    """One way to run."""

    name: Annotated[Name, Meta(description="its options in words")]
    samples_s: Annotated[PeerSamples, Meta(description="every time, in seconds")]
    median_s: Annotated[PeerMedians, Meta(description="their medians")]
    ratio_to_peer: Annotated[PeerRatios, Meta(description="our medians over the peer's")]
    labels_unlike: Annotated[list[LabelsUnlike], Meta(description="labels that differ")]
    amp: Annotated[str | None, Meta(description="number format of autocast; null: float32")] = None
    compile: Annotated[bool, Meta(description="whether networks were compiled")] = False
    cuda_graphs: Annotated[bool, Meta(description="whether frames were captured as CUDA graphs")] = False
    channels_last: Annotated[bool, Meta(description="whether channels are laid out last")] = False
    compile_seconds: Annotated[
        Quantity | None, Meta(description="what compiling and capturing took, of the peer and of MPVSS together")
    ] = None


class PeakOfProcess(Part, kw_only=True, frozen=True):
    """Bytes of a process of its own: its resident set, or the device's allocator."""

    before: Annotated[Count, Meta(description="before a frame")]
    peak: Annotated[Count, Meta(description="most during a frame")]


class PeerMemory(Part, kw_only=True, frozen=True):
    """Peak memory of a frame in float32."""

    peer: Annotated[PeakOfProcess, Meta(description="of the peer")]
    key: Annotated[PeakOfProcess, Meta(description="of a key frame")]


class MemoryRatios(Part, kw_only=True, frozen=True):
    """Our memory over the peer's."""

    peak: Annotated[Quantity, Meta(description="of the peaks")]
    peak_over_before: Annotated[float, Meta(description="of what was added to the state before")]


class PeerRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=3):
    """`peer-*.json`."""

    migrations = {1: migrations.peer_with_modes, 2: migrations.peer_in_present_words}
    unnamed = 1
    remedy = "measure it again with mpvss-bench peer"

    configuration: Annotated[PeerConfiguration, Meta(description="what was compared")]
    environment: Annotated[Environment, Meta(description="as in a run")]
    labels: Annotated[PeerLabels | None, Meta(description="of the key frame in float32; null in files of schema 1")]
    modes: Annotated[list[PeerMode], Meta(min_length=1, description="each way to run")]
    memory_bytes: Annotated[PeerMemory, Meta(description="peak memory")]
    memory_ratio_to_peer: Annotated[MemoryRatios, Meta(description="our memory over the peer's")]
