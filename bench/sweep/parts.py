"""The parts of a shared sweep, read and checked against one another before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.runs.kept_labels import LabelStore
from bench.runs.read import read_cell, read_run_record
from bench.runs.records.cell import CellKey, CellRecord
from bench.runs.records.run import RunRecord, ShardRecord
from bench.runs.write import differences
from mpvss.errors import UserError

OF_THE_MACHINE = ("device", "cpu", "threads")
"""What may differ from shard to shard."""
NO_MATTER = ("shard", "repeats")
"""What means nothing to a shard."""


@dataclass(frozen=True)
class Part:
    """A folder: a shard with the accuracy of its clips, or, where `shard` is None, a run with cost and timing.

    Attributes:
        path: the folder.
        about: its `run.json`.
        files: each of its cells.
        names: of a shard's clips, in their order, by backbone; none where every cell failed.
        errors: of the accuracy, by cell.
        labels: the cells whose label maps were kept, of all of the part's clips.

    """

    path: Path
    about: RunRecord
    files: dict[CellKey, Path] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[CellKey, str] = field(default_factory=dict)
    labels: set[CellKey] = field(default_factory=set)

    @property
    def shard(self) -> ShardRecord | None:
        """Which part of the clips it holds."""
        return self.about.configuration.shard

    def clips(self, backbone: str) -> list[tuple[int, str]]:
        """A shard's clips: the number of each in the data set, and its name."""
        return list(zip(_shard(self).clips, self.names[backbone], strict=True))

    def cell(self, key: CellKey) -> CellRecord:
        """One of its cells, read again, since all of them together are large."""
        return read_cell(self.files[key], self.about)

    def __str__(self) -> str:
        return str(self.path) if self.shard is None else f"{self.path} (part {self.shard})"


@dataclass(frozen=True)
class Parts:
    """All parts of a sweep; `shards` by their numbers."""

    shards: tuple[Part, ...]
    timed: tuple[Part, ...]

    @property
    def reference(self) -> Part:
        """The part whose machine the merged run names: that of the timing, or without one of the first shard."""
        return (*self.timed, *self.shards)[0]


def read_parts(paths: Sequence[Path]) -> Parts:
    """Read the parts of a sweep.

    Raises:
        UserError: a folder that is no run; a part that is missing, there twice, not finished, or of another sweep.
    """
    for path, count in Counter(path.resolve() for path in paths).items():
        if count > 1:
            raise UserError(f"{path} is given {count} times; each part is merged once")
    parts = [_read(path) for path in paths]
    shards = sorted((part for part in parts if part.shard), key=lambda part: (_shard(part).number, str(part.path)))
    timed = [part for part in parts if not part.shard]
    if not shards:
        raise UserError("none of the folders is a part by `sweep --shard i/N`; there is no accuracy to merge")
    _check_numbers(shards)
    for part in shards[1:]:
        _check_same(shards[0], part, but=(*NO_MATTER, *OF_THE_MACHINE))
    for part in timed:
        _check_same(shards[0], part, but=(*NO_MATTER, *OF_THE_MACHINE))
        _check_same(timed[0], part, but=())
    _check_clips(shards)
    _check_cells(shards, timed)
    return Parts(tuple(shards), tuple(timed))


def _read(path: Path) -> Part:
    part = Part(path, read_run_record(path))
    if not part.about.starts[-1].ended:
        raise UserError(f"{part} is not finished; rerun its command")
    for file in sorted((path / "cells").glob("*.json")):
        record = read_cell(file, part.about)
        part.files[record.key] = file
        if "accuracy" in record.errors:
            part.errors[record.key] = record.errors["accuracy"]
        if part.shard is None:
            if record.clips is not None or record.accuracy is not None or "accuracy" in record.errors:
                raise UserError(
                    f"{path} holds accuracy over all clips, and the shards hold it too; beside shards, give runs by "
                    "`sweep --only cost,timing`"
                )
        elif record.clips is not None:
            names = [clip.name for clip in record.clips]
            if len(names) != len(part.shard.clips) or part.names.setdefault(record.backbone, names) != names:
                raise UserError(f"{file} does not fit: it has other clips than its part; {record.remedy}")
            if LabelStore(path).keeps(record.key):
                _check_labels(part, record.key)
                part.labels.add(record.key)
        elif record.key not in part.errors:
            raise UserError(f"{part} is not finished: {file.name} has no accuracy; rerun its command")
    return part


def _check_labels(part: Part, key: CellKey) -> None:
    for index, name in part.clips(key.backbone):
        if not LabelStore(part.path).has(key, index, name):
            raise UserError(f"{part} lacks the label maps of {_named(key)} in clip {name}; rerun its command")


def _shard(part: Part) -> ShardRecord:
    assert part.shard is not None, "it is a shard"
    return part.shard


def _check_numbers(shards: Sequence[Part]) -> None:
    count = _shard(shards[0]).count
    for part in shards:
        if _shard(part).count != count:
            raise UserError(f"{shards[0]} and {part} are of different divisions; give the parts of one")
    of_number: dict[int, Part] = {}
    for part in shards:
        other = of_number.setdefault(_shard(part).number, part)
        if other is not part:
            raise UserError(f"{other.path} and {part.path} are both part {part.shard}; give one of them")
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in of_number]
    if missing:
        raise UserError(f"part {', '.join(missing)} is missing; give its folder too")


def _check_clips(shards: Sequence[Part]) -> None:
    """Every labelled clip lies in one part, and all parts count the same clips."""
    owners: dict[int, Part] = {}
    for part in shards:
        if _shard(part).labelled_clips != _shard(shards[0]).labelled_clips:
            raise UserError(
                f"{shards[0]} is of {_shard(shards[0]).labelled_clips} labelled clips and {part} of "
                f"{_shard(part).labelled_clips}; their data differ"
            )
        for clip in _shard(part).clips:
            other = owners.setdefault(clip, part)
            if other is not part:
                raise UserError(f"clip {clip} is in {other} and in {part}; their data differ")
    lacking = _shard(shards[0]).labelled_clips - len(owners)
    if lacking:
        raise UserError(f"{lacking} labelled clips are in no part; the parts' data differ")


def _check_same(one: Part, other: Part, but: Sequence[str]) -> None:
    differing = {
        name: values
        for name, values in differences(one.about.configuration, other.about.configuration).items()
        if name not in but
    }
    if one.shard and other.shard:
        for name in one.about.asked.__struct_fields__:
            was, now = (sorted(getattr(part.about.asked, name)) for part in (one, other))
            if was != now:
                differing[name] = (was, now)
    if differing:
        listed = "; ".join(f"{name}: {was!r} and {now!r}" for name, (was, now) in sorted(differing.items()))
        raise UserError(f"{one} and {other} are of different sweeps ({listed}); give parts of one")


def _check_cells(shards: Sequence[Part], timed: Sequence[Part]) -> None:
    """Every shard has the same cells, and no cell is timed twice."""
    keys = {key for part in shards for key in part.files}
    kept = {key for part in shards for key in part.labels}
    for part in shards:
        for key in sorted(keys - part.files.keys()):
            raise UserError(f"{part} lacks {_named(key)}, which another has; rerun its command")
        for key in sorted(kept - part.labels - part.errors.keys()):
            raise UserError(
                f"{part} keeps no label maps of {_named(key)}, which another does; rerun its command with --keep labels"
            )
    owners: dict[CellKey, Part] = {}
    for part in timed:
        for key in part.files:
            other = owners.setdefault(key, part)
            if other is not part:
                raise UserError(f"{_named(key)} is in {other} and in {part}; give one of them")
            if key not in keys:
                raise UserError(f"{part} has {_named(key)}, which no shard has; give parts of one sweep")


def _named(key: CellKey) -> str:
    return f"{key.method} with {key.backbone} at interval {key.interval}"
