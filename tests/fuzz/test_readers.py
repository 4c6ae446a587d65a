"""Damaged files of every kind: each is read, or refused in a line; none is a traceback, a crash, or eats the memory.

`FUZZ_INPUTS` inputs (10,000) by `FUZZ_SEED` (0), shared among the kinds. A failure leaves its input in `FUZZ_KEEP`.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import warnings
import zlib
from pathlib import Path
from random import Random

import pytest
from mutate import damaged
from readers import READERS

from mpvss.errors import UserError

pytestmark = pytest.mark.fuzz

INPUTS = int(os.environ.get("FUZZ_INPUTS", "10000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
KEEP = os.environ.get("FUZZ_KEEP")
SECONDS_FOR_ONE = 20
MEMORY = 4 * 2**30
"""Bytes that an input may take beyond what the process has at the start."""


class TooLongError(Exception):
    """An input took too long."""


@pytest.fixture(autouse=True)
def limits():
    """A limit of the address space, and an alarm that ends an input which hangs."""

    def too_long(number, frame):
        raise TooLongError(f"over {SECONDS_FOR_ONE} s")

    before, handler = resource.getrlimit(resource.RLIMIT_AS), signal.signal(signal.SIGALRM, too_long)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
    signal.signal(signal.SIGALRM, handler)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", READERS)
def test_every_damaged_file_is_read_or_refused_in_a_line(kind, tmp_path):
    reader = READERS[kind]
    inputs = max(1, round(INPUTS * reader.share / sum(reader.share for reader in READERS.values())))
    (tmp_path / "good").mkdir()
    good = reader.make(tmp_path / "good")
    reader.read(good)
    content = good.read_bytes()
    relative = good.relative_to(tmp_path / "good")
    found: dict[str, int] = {"read": 0, "refused": 0}
    wrong: list[str] = []
    for number in range(inputs):
        bad = damaged(content, Random(f"{SEED} {kind} {number}"))
        folder = tmp_path / "bad"
        shutil.copytree(tmp_path / "good", folder)
        (folder / relative).write_bytes(bad)
        outcome = _outcome(reader.read, folder / relative)
        if outcome in found:
            found[outcome] += 1
        else:
            wrong.append(f"input {number} ({zlib.crc32(bad):08x}): {outcome}")
            if KEEP:
                Path(KEEP).mkdir(parents=True, exist_ok=True)
                (Path(KEEP) / f"{relative.name}-{number}").write_bytes(bad)
        shutil.rmtree(folder)
    print(f"{kind}: {inputs} inputs, {found['read']} read, {found['refused']} refused, {len(wrong)} wrong")
    assert not wrong, "\n".join([f"{len(wrong)} of {inputs}", *dict.fromkeys(wrong[:10])])
    assert found["refused"], "no input was damaged enough to be refused"


def _outcome(read, file: Path) -> str:
    signal.alarm(SECONDS_FOR_ONE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(file)
    except UserError as error:
        text = str(error)
        return "refused" if text.strip() and "\n" not in text else f"a refusal of other than one line: {text!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.alarm(0)
    return "read"
