"""Damaged files of every kind: each is read, or refused in a line; none is a traceback, a crash, or eats the memory.

`FUZZ_INPUTS` inputs (10,000) by `FUZZ_SEED` (0), shared among the kinds. A failure leaves its input in `FUZZ_KEEP`.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import signal
import time
import warnings
import zlib
from pathlib import Path
from random import Random

import pytest
from mutate import damaged
from readers import READERS

from bench.compare.errors import NotComparableError
from mpvss.errors import UserError

pytestmark = pytest.mark.fuzz

INPUTS = int(os.environ.get("FUZZ_INPUTS", "10000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
KEEP = os.environ.get("FUZZ_KEEP")
SECONDS_FOR_ONE = 20
"""Wall-clock time of an input; the machine may be busy."""
MEMORY = 2 * 2**30
"""Bytes that an input may take beyond what the process has at the start."""
BLOCK = 100
"""Inputs of one test at most, so that processes that run tests side by side end together."""


def blocks() -> list[tuple[str, range]]:
    """Every kind with the numbers of its inputs, in blocks; inputs are the same however many blocks there are."""
    shares = sum(reader.share for reader in READERS.values())
    found = []
    for kind, reader in READERS.items():
        inputs = max(1, round(INPUTS * reader.share / shares))
        count = -(-inputs // BLOCK)
        found += [(kind, range(first, inputs, count)) for first in range(count)]
    return found


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
@pytest.mark.parametrize(("kind", "numbers"), blocks(), ids=lambda part: part if isinstance(part, str) else part[0])
def test_every_damaged_file_is_read_or_refused_in_a_line(kind, numbers, tmp_path):
    reader = READERS[kind]
    (tmp_path / "good").mkdir()
    good = reader.make(tmp_path / "good")
    content = good.read_bytes()
    relative = good.relative_to(tmp_path / "good")
    bad, folder = tmp_path / "bad" / relative, tmp_path / "bad"
    shutil.copytree(tmp_path / "good", folder)
    reader.read(bad)
    found: dict[str, int] = {"read": 0, "refused": 0}
    wrong: list[str] = []
    begun, slowest = time.process_time(), 0.0
    for number in numbers:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "good", folder)
        bad.write_bytes(damaged(content, Random(f"{SEED} {kind} {number}")))
        start = time.process_time()
        outcome = _outcome(reader.read, bad)
        slowest = max(slowest, time.process_time() - start)
        if outcome in found:
            found[outcome] += 1
            continue
        shutil.copytree(tmp_path / "good", folder, dirs_exist_ok=True)
        bad.write_bytes(damaged(content, Random(f"{SEED} {kind} {number}")))
        wrong.append(f"input {number} ({zlib.crc32(bad.read_bytes()):08x}): {outcome}")
        if KEEP:
            Path(KEEP).mkdir(parents=True, exist_ok=True)
            shutil.copy(bad, Path(KEEP) / f"{relative.name}-{number}")
    print(
        f"{kind}: {len(numbers)} inputs, {found['read']} read, {found['refused']} refused, {len(wrong)} wrong; "
        f"{time.process_time() - begun:.1f} s of a core, the slowest {slowest:.2f} s"
    )
    assert not wrong, "\n".join([f"{len(wrong)} of {len(numbers)}", *dict.fromkeys(wrong[:10])])
    assert found["refused"] or len(numbers) < 20, "no input was damaged enough to be refused"


def _outcome(read, file: Path) -> str:
    signal.alarm(SECONDS_FOR_ONE)
    # Where no line of Python runs any more the alarm is not heard: then the process ends, and says where.
    faulthandler.dump_traceback_later(3 * SECONDS_FOR_ONE, exit=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(file)
    except NotComparableError:  # read, and of other conditions than what it is compared with
        return "read"
    except UserError as error:
        return _refusal(str(error), file)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
    return "read"


def _refusal(text: str, file: Path) -> str:
    if not text.strip() or "\n" in text:
        return f"a refusal of other than one line: {text!r}"
    if not any(name in text for name in (str(file), str(file.parent), *map(str, file.parents[:2]))):
        return f"a refusal that names no file: {text!r}"
    return "refused"
