"""Damaged copies of a file's content, drawn by a seeded generator."""

from __future__ import annotations

import copy
import io
import json
import math
import re
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

HUGE = 10**18
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, 2**63, -(2**63), HUGE, 10**400, 0.5, -0.0, 1e308),
    *("", "a", "../../etc/passwd", "<script>alert(1)</script>", r"$\frac$", "\x00", "\ud800", "ä" * 300, "9" * 5000),
    *([], {}, [[]], [None], [1, "a"], {"": 0}, [0] * 1000, {"schema": 1}),
    *(math.nan, math.inf, -math.inf),
)
ODD_NUMBERS = (b"0", b"-1", b"1.5", b"8589934592", b"9" * 30, b"1e999", b"nan", b"inf", b"true", b"''")
ODD_BYTES = (b"\x00", b"\xff" * 4, b"PK\x03\x04", b"\x80\x04.", b"[" * 2000, b"{" * 2000, b"\n", b"9" * 400, b"1e999")


def damaged(content: bytes, random: Random) -> bytes:
    """Another content: one that is no longer whole, or one whose values are others."""
    if random.random() < 0.6:
        for change in (_other_values, _other_header, _other_member):
            if (changed := change(content, random)) is not None:
                return changed
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        _BYTES[random.randrange(len(_BYTES))](data, random)
    return bytes(data)


def _other_values(content: bytes, random: Random) -> bytes | None:
    """A JSON file with other values, keys, or lengths; None where the content is no JSON."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            break
        holder, key = places[random.randrange(len(places))]
        _VALUES[random.randrange(len(_VALUES))](holder, key, random)
    return json.dumps(value).encode(errors="surrogatepass")


def _other_header(content: bytes, random: Random) -> bytes | None:
    """A safetensors file whose header is whole and has other values; None where the content is none."""
    end = 8 + int.from_bytes(content[:8], "little")
    if not 8 < end <= len(content) or (header := _other_values(content[8:end], random)) is None:
        return None
    return len(header).to_bytes(8, "little") + header + content[end:]


def _other_member(content: bytes, random: Random) -> bytes | None:
    """A zip archive that is whole, with a damaged file in it; None where the content is none."""
    if not content.startswith(b"PK"):
        return None
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w") as new:
        entries = archive.infolist()
        chosen = random.randrange(len(entries))
        for index, entry in enumerate(entries):
            data = archive.read(entry)
            new.writestr(zipfile.ZipInfo(entry.filename), damaged(data, random) if index == chosen else data)
    return made.getvalue()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key, or index, of a value; of long lists the first few."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict):
            keys: list[Any] = list(holder)
        elif isinstance(holder, list):
            keys = list(range(min(len(holder), 5)))
        else:
            continue
        found += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys]
    return found


def _replace(holder: Any, key: Any, random: Random) -> None:
    holder[key] = copy.deepcopy(random.choice(ODD_VALUES))


def _remove(holder: Any, key: Any, random: Random) -> None:
    del holder[key]


def _add(holder: Any, key: Any, random: Random) -> None:
    value = copy.deepcopy(random.choice(ODD_VALUES))
    if isinstance(holder, dict):
        holder[random.choice(("extra", "schema", "", "ä"))] = value
    else:
        holder.append(value)


def _swap(holder: Any, key: Any, random: Random) -> None:
    other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[key], holder[other] = holder[other], holder[key]


def _nest(holder: Any, key: Any, random: Random) -> None:
    holder[key] = [holder[key]]


def _repeat(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder[key], (list, str)):
        holder[key] = holder[key] * random.choice((2, 50))


def _scale(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder[key], (int, float)):
        holder[key] = holder[key] * random.choice((-1, 0, 1000, HUGE))


_VALUES: tuple[Callable[[Any, Any, Random], None], ...] = (
    _replace,
    _replace,
    _remove,
    _add,
    _swap,
    _nest,
    _repeat,
    _scale,
)


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data) + 1) :]


def _drop(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    del data[start : start + random.choice((1, 8, 200))]


def _insert(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    data[start:start] = random.choice(ODD_BYTES)


def _overwrite(data: bytearray, random: Random) -> None:
    start = random.randrange(len(data) + 1)
    piece = random.choice(ODD_BYTES)
    data[start : start + len(piece)] = piece


def _splice(data: bytearray, random: Random) -> None:
    first, second = (random.randrange(len(data) + 1) for _ in range(2))
    data[first:first] = data[second : second + 100]


def _number(data: bytearray, random: Random) -> None:
    """Another number in the place of one that is written out."""
    found = list(re.finditer(rb"[0-9]+", data))
    if found:
        place = random.choice(found)
        data[place.start() : place.end()] = random.choice(ODD_NUMBERS)


_BYTES: tuple[Callable[[bytearray, Random], None], ...] = (
    *(_flip, _flip, _cut, _drop, _insert, _overwrite, _splice),
    _number,
)
