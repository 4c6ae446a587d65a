"""The page's colours have the contrast that WCAG AA asks for, on a light and on a dark page; motion can be refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.report.page.data import COLOURS
from bench.report.page.fill import style

SHIPPED = Path(__file__).resolve().parents[2] / "reports" / "index.html"
TEXT, GRAPHICS = 4.5, 3.0
"""Least contrast of text, and of marks, borders and the focus."""
TEXTS = ("ink", "soft", "accent", "good", "bad")
GROUNDS = ("ground", "raised")


def schemes():
    """The colours of both schemes, by name."""
    light, dark = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)
    read = [dict(re.findall(r"--(\w+): (#[0-9a-f]+);", block)) for block in (light, dark)]
    return {"light": read[0], "dark": read[1]}


def luminance(colour):
    """WCAG 2: relative luminance of an sRGB colour."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_the_standard_defines():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
def test_colours_have_enough_contrast(scheme, ground):
    colours = schemes()[scheme]
    wanted = dict.fromkeys(TEXTS, TEXT) | {"edge": GRAPHICS}
    wanted |= {f"s{i}": GRAPHICS for i in range(COLOURS)}
    found = {name: contrast(colours[name], colours[ground]) for name in wanted}
    assert {name: ratio for name, ratio in found.items() if ratio < wanted[name]} == {}


def test_the_shipped_page_is_under_six_megabytes():
    assert SHIPPED.stat().st_size < 6e6


def test_no_colour_stands_outside_the_schemes():
    rest = re.sub(r":root \{.*?\}", "", style(), flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", rest)) == {"#fff"}  # under pictures, which are drawn for white


def test_what_moves_does_so_only_where_motion_is_not_refused():
    blocks = re.findall(r"@media \(prefers-reduced-motion: no-preference\) \{.*?\}\s*\}", style(), re.DOTALL)
    rest = style()
    for block in blocks:
        rest = rest.replace(block, "")
    assert "transition" in "".join(blocks)
    assert not re.search(r"transition|animation|scroll-behavior", rest)
