"""A profile as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

OPERATORS = 15
"""How many operators of each kind of frame the text lists; kernels.csv has all."""
UNITS = {
    "ms": ("ms", 1, 3),
    "host_ms": ("host ms", 1, 3),
    "device_ms": ("ms", 1, 3),
    "share": ("share (%)", 100, 1),
    "calls": ("calls", 1, 0),
    "launches": ("launches", 1, 0),
    "macs": ("MMACs", 1e-6, 2),
    "bytes": ("MB", 1e-6, 2),
    "gmacs_per_s": ("GMAC/s", 1, 2),
    "gb_per_s": ("GB/s", 1, 2),
    "of_ceiling": ("of ceiling (%)", 100, 1),
}
"""A column's heading, what it is multiplied by, and its decimals."""


TITLES = {
    True: {"key": "Key frame", "non-key": "Non-key frame"},
    False: {"key": "First frame of a clip", "non-key": "Frame far from the clip's ends"},
}
"""What kinds of frame are called, of a method with key frames and of one without."""


def profile_text(content: Mapping[str, Any]) -> str:
    """The content of `profile.json` as Markdown."""
    setting, ceilings, trace = content["configuration"], content["ceilings"], content["trace"]
    height, width = setting["size"]
    kinds = content["coverage"]
    with_keys = setting.get("key_frames", True)
    schedule = f"key-frame interval {setting['interval']}" if with_keys else "no key frames"
    lines = [
        f"# {setting['method']}, {setting['backbone']}, {height}x{width}, {setting['num_classes']} classes",
        "",
        f"Weights: {setting['weights']}.",
        "",
        f"{_count(content['frames'], with_keys=with_keys)} on {content['environment']['device']} "
        f"({content['environment']['cpu']}, {content['environment']['threads']} threads), {schedule}. Times are means "
        "under the profiler, which slows work down: they say where time goes, not how fast a method is.",
        "",
        f"Ceilings, measured: {ceilings['macs_per_second'] / 1e9:.1f} GMAC/s (product of matrices, float32), "
        f"{ceilings['bytes_per_second'] / 1e9:.1f} GB/s (copy, read and written). Bytes are a model: operands read "
        "once, results written once, so work within a cache can pass the second. `of ceiling` is the larger of the "
        "two rates' shares of theirs.",
    ]
    for kind, share in kinds.items():
        mine = [frame for frame in content["frames"] if frame["kind"] == kind]
        mean = 1e3 * sum(frame["seconds"] for frame in mine) / len(mine)
        stages = [row for row in content["stages"] if row["frame"] == kind]
        operators = [row for row in content["operators"] if row["frame"] == kind]
        title = TITLES[with_keys][kind]
        lines += ["", f"## {title}: {mean:.2f} ms", ""]
        lines += [f"{share:.1%} of it in named stages.", "", _table(stages, ["stage"]), ""]
        shown = sorted(operators, key=lambda row: -row["ms"])[:OPERATORS]
        lines += [f"The {len(shown)} longest of {len(operators)} operators (kernels.csv has all):", ""]
        lines += [_table(shown, ["stage", "operator"])]
        kernels = [row for row in content.get("kernels", []) if row["frame"] == kind][:OPERATORS]
        if kernels:
            lines += ["", "On the device:", "", _table(kernels, ["stage", "operator", "kernel"])]
    if "device" in content:
        lines += ["", "## Launches and idle gaps", "", pd.DataFrame(content["device"]).to_markdown(index=False)]
    dropped = ", ".join(trace["dropped"])
    lines += [
        "",
        "## Files",
        "",
        f"- `{trace['file']}`: {trace['bytes'] / 1e6:.3f} MB"
        + (f", to stay under the limit without {dropped}" if dropped else "")
        + ". Open it in https://ui.perfetto.dev, or `tensorboard --logdir` this folder with torch-tb-profiler.",
        "- `roofline.svg`, `memory.svg`: plots; also as PNG.",
        f"- Memory at its highest: {content['memory']['peak_bytes'] / 1e6:.1f} MB"
        + (" above what was allocated before." if content["environment"]["device"] == "cpu" else "."),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    columns = [column for column in UNITS if rows and column in rows[0]]
    readable = [
        {name: row[name] for name in names} | {UNITS[column][0]: _number(row[column], column) for column in columns}
        for row in rows
    ]
    align = ["left"] * len(names) + ["right"] * len(columns)
    return pd.DataFrame(readable).to_markdown(index=False, disable_numparse=True, colalign=align)


def _number(value: float | None, column: str) -> str:
    _, factor, decimals = UNITS[column]
    return "" if value is None else f"{value * factor:.{decimals}f}"


def _count(frames: Iterable[Mapping[str, Any]], *, with_keys: bool) -> str:
    kinds = [frame["kind"] for frame in frames]
    if not with_keys:
        return f"A clip's first frame and {kinds.count('non-key')} far from its ends"
    return f"{kinds.count('key')} key and {kinds.count('non-key')} non-key frames"
