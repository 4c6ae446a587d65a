"""Optional packages, imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any

from mpvss.errors import UserError


def optional(module: str, extra: str) -> Any:
    """A module of a package that an extra brings.

    Raises:
        UserError: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{extra} cannot be imported ({error}); install mpvss-bench[{extra}]") from error
