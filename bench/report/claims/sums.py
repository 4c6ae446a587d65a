"""Sums of named quantities, as texts like `0.5 a - b + 2`: names, numbers and signs with blanks between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mpvss.errors import UserError


@dataclass(frozen=True)
class Term:
    """A weight times a named quantity; without a name, the weight itself."""

    weight: float
    name: str = ""


def parse_sum(text: str) -> tuple[Term, ...]:
    """The terms of a sum. UserError for a text that is none."""
    if not re.fullmatch(r"(- )?(NUMBER NAME|NUMBER|NAME)( [+-] (NUMBER NAME|NUMBER|NAME))*", _shape(text)):
        raise UserError(f"{text!r} is not a sum, as 0.5 a - b + 2")
    terms = []
    sign, weight = 1.0, None
    for token in [*text.split(), "+"]:
        if token in ("+", "-"):
            if weight is not None:
                terms.append(Term(sign * weight))
            sign, weight = (1.0 if token == "+" else -1.0), None
        elif _is_number(token):
            weight = float(token)
        else:
            terms.append(Term(sign * (1.0 if weight is None else weight), token))
            weight = None
    return tuple(terms)


def names(terms: Sequence[Term]) -> list[str]:
    """The names in a sum, each once."""
    return list(dict.fromkeys(term.name for term in terms if term.name))


def _is_number(token: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", token) is not None


def _shape(text: str) -> str:
    return " ".join(t if t in ("+", "-") else "NUMBER" if _is_number(t) else "NAME" for t in text.split())
