"""What must be installed for each part, checked before any work. Imports nothing that may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from mpvss.errors import UserError

ALWAYS = ("torch", "numpy", "jaxtyping", "safetensors", "msgspec", "tqdm", "pandas", "scipy", "tabulate")
OF_CUDA = ("pynvml",)
OF_PART: Mapping[str, tuple[str, ...]] = {
    "peer": ("transformers",),
    "profile": ("matplotlib",),
}
"""What one part needs beside that."""
PACKAGES = {"pynvml": "nvidia-ml-py"}
"""Names of packages that differ from those of their modules."""


def missing(parts: Iterable[str], device: str) -> dict[str, tuple[str, ...]]:
    """The packages that are not installed: by part, and under `card` those that all parts need."""
    wanted = {"card": (*ALWAYS, *(OF_CUDA if device == "cuda" else ()))}
    wanted |= {part: OF_PART[part] for part in parts if part in OF_PART}
    found = {name: tuple(PACKAGES.get(m, m) for m in modules if not _is_there(m)) for name, modules in wanted.items()}
    return {name: packages for name, packages in found.items() if packages}


def check_needs(parts: Iterable[str], device: str) -> dict[str, tuple[str, ...]]:
    """The packages that single parts lack; these parts fail, and the others are measured.

    Raises:
        UserError: a package is missing without which nothing can be measured.
    """
    lacking = missing(parts, device)
    if "card" in lacking:
        names = ", ".join(lacking["card"])
        raise UserError(f"{names} must be installed to measure a card; where nothing can be fetched, bring the wheels")
    return lacking


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
