"""The page's templates."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

FILES = Path(__file__).parent
STYLES = ("base", "first", "plots", "tables", "folds")
SCRIPTS = ("data", "axes", "plots", "zoom", "chooser", "tables", "start")


def fill(part: str, **values: str) -> str:
    """A template of `parts/` with its places filled."""
    return Template((FILES / "parts" / f"{part}.html").read_text()).substitute(values)


def style() -> str:
    """All of the page's style."""
    return "".join((FILES / "style" / f"{name}.css").read_text() for name in STYLES)


def script() -> str:
    """All of the page's program, in the order in which its parts need each other."""
    return "".join((FILES / "script" / f"{name}.js").read_text() for name in SCRIPTS)


def options(names: Iterable[str]) -> str:
    """The `option` elements of a `select`."""
    return "".join(f"<option>{escape(name)}</option>" for name in names)


def fold(title: str, body: str, *, about: str = "", name: str = "", is_open: bool = False) -> str:
    """A question that opens to its answer; empty without one."""
    if not body:
        return ""
    said = f" <span>{escape(about)}</span>" if about else ""
    return (
        f'<details class="question" id="{name or slug(title)}"{" open" * is_open}>'
        f"<summary><h2>{escape(title)}</h2>{said}</summary>\n{body}\n</details>\n"
    )


def inner_fold(title: str, body: str) -> str:
    """Something inside a question that opens by itself; empty without a body."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>\n" if body else ""


def slug(title: str) -> str:
    """A title as an id."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
