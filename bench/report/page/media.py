"""Figures and pictures inside the page, as data addresses."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from bench.report.contents import Plot
from bench.report.run import StudyRun
from bench.report.study import picture_title
from bench.runs.files import read_bytes

IN_A_DATA_URL = " <>/=:;,.()'{}!?*+@[]|~^-_"
"""Characters of an SVG that may stay as they are, which keeps the page short."""


def drawings(plots: Iterable[Plot]) -> str:
    """Plots as pictures under their titles."""
    return "".join(
        _figure(plot.title, f"image/svg+xml,{quote(plot.svg, safe=IN_A_DATA_URL)}", drawn=True, wide=plot.wide)
        for plot in plots
    )


def picture(run: StudyRun, file: Path) -> str:
    """One of a run's own pictures."""
    title = picture_title(run, file)
    return _figure(title, f"image/png;base64,{base64.b64encode(read_bytes(file)).decode()}")


def _figure(title: str, data: str, *, drawn: bool = False, wide: bool = True) -> str:
    """A picture under its title; a wide one is scrolled on a narrow page, and a drawn one dark on a dark page."""
    kinds = "picture" + " drawn" * drawn + " wide" * wide
    return (
        f'<figure class="{kinds}"><figcaption>{escape(title)}</figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<img alt="{escape(title)}" src="data:{data}"></div></figure>\n'
    )
