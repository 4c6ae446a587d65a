"""The speed of MPVSS beside the `transformers` library's Mask2Former, from what `mpvss-bench peer` wrote."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.tables.sheet import Entry, Header, Sheet, number
from bench.runs.records.peer import PeerMode, PeerRecord

MEGA = 1e6


def peer_sheet(peers: Sequence[PeerRecord]) -> Sheet:
    """A row for each file and mode: medians, shares of the peer's median, peak memory, and labels that differ."""
    return Sheet(
        name="peer",
        title="Speed of MPVSS beside the transformers library's Mask2Former with the same weights",
        headers=(
            Header("Backbone", number=False),
            Header("Frame", number=False, more=True),
            Header("Processor", number=False, more=True),
            Header("Threads"),
            Header("Run as", number=False),
            Header("peer (s)", "Median time"),
            Header("key frame (s)", "Median time"),
            Header("non-key frame (s)", "Median time"),
            Header("key frame", "Share of the peer's"),
            Header("non-key frame", "Share of the peer's"),
            Header("peer", "Peak memory (MB)", more=True),
            Header("key frame", "Peak memory (MB)", more=True),
            Header("the peer's", "Key-frame labels unlike"),
            Header("float32's", "Key-frame labels unlike"),
        ),
        rows=tuple(_row(peer, mode) for peer in peers for mode in peer.modes),
        notes=(
            "Batch 1, timed in turn in one process; memory, of frames in float32, is the resident set of a process for "
            "each, or the device's.",
        ),
    )


def _row(peer: PeerRecord, mode: PeerMode) -> tuple[Entry, ...]:
    what, environment, memory = peer.configuration, peer.environment, peer.memory_bytes
    times, ratios = mode.median_s, mode.ratio_to_peer
    unlike = {row.beside: row.pixels for row in mode.labels_unlike if row.frame == "key"}
    height, width = what.size
    return (
        Entry(what.backbone),
        Entry(f"{height}x{width}, {what.num_classes} classes"),
        Entry(f"{environment.device} ({environment.cpu})"),
        number(environment.threads, 0),
        Entry(mode.name),
        *(number(seconds, 3) for seconds in (times.peer, times.key, times.non_key)),
        *(number(ratio, 3) for ratio in (ratios.key, ratios.non_key)),
        *(number(of_process.peak / MEGA, 0) for of_process in (memory.peer, memory.key)),
        *(number(unlike.get(beside), 0) for beside in ("peer", "float32")),
    )
