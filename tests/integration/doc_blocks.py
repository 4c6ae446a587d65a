"""The fenced blocks of the documentation, and the commands in them as the shell would give them."""

import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)

# The shell expands loops and quotes; no command but the recorded ones can be found, so that nothing is run.
RECORDER = r"""
PATH=/nowhere
command_not_found_handle() { return 0; }
mpvss-bench() { printf '%s\x1f' "$@" >>"$RECORD"; printf '\x1e' >>"$RECORD"; }
torchrun() { shift 4; mpvss-bench "$@"; }  # torchrun --nproc-per-node N -m bench ...
"""


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in that language, without the indent of the list that they stand in."""
    found = FENCE.finditer(page.read_text())
    return [textwrap.dedent(match["text"]) for match in found if match["language"] == language]


def commands(page: Path, folder: Path) -> Iterator[list[str]]:
    """The arguments of each `mpvss-bench` in the page's shell blocks; `folder` is an empty one to work in."""
    bash = shutil.which("bash")
    assert bash is not None, "the commands of the documentation are for bash"
    record = folder / "record"
    for block in blocks(page, "sh"):
        record.write_text("")
        program = RECORDER + block
        subprocess.run([bash, "-c", program], cwd=folder, env={"RECORD": str(record)}, capture_output=True, check=False)
        found = [entry.split("\x1f")[:-1] for entry in record.read_text().split("\x1e")[:-1]]
        # A command line is one that starts a line, if only within a loop.
        named = re.findall(r"^\s*(?:mpvss-bench|torchrun) ", block, re.MULTILINE)
        assert len(found) >= len(named), f"{page.name}: not all of these could be read:\n{block}"
        yield from found
    record.unlink(missing_ok=True)
