"""Counted costs: multiply-accumulates, operators, parameters. Counting needs no frame and no weights.

`cost` counts methods by name, `cost_of` any method, `paper_costs` the cells of the paper's tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.measure.count.cost_of_method import Cost, cost_of, method_cost
    from bench.measure.count.paper import PaperCell, paper_costs
    from bench.measure.count.table import CostRow, cost

__all__ = ["Cost", "CostRow", "PaperCell", "cost", "cost_of", "method_cost", "paper_costs"]

_HOMES = {
    "cost_of_method": ("Cost", "cost_of", "method_cost"),
    "paper": ("PaperCell", "paper_costs"),
    "table": ("CostRow", "cost"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and with it torch, when it is asked for."""
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
