"""A table before it has a format: headers in groups, entries with their marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Mark = Literal["", "best", "second", "predicted"]


@dataclass(frozen=True)
class Entry:
    """What stands at one place: a text, and the number behind it where there is one."""

    text: str
    value: float | None = None
    mark: Mark = ""


MISSING = Entry("-")


@dataclass(frozen=True)
class Header:
    """The head of a column; neighbours of one group share a head above theirs."""

    text: str
    group: str = ""
    number: bool = True
    measured: bool = False
    """Whether its figures were measured on a card, and are shown unlike published ones."""
    more: bool = False
    """Whether the page shows it only where all columns are asked for."""

    @property
    def flat(self) -> str:
        """On one line."""
        return f"{self.group}, {self.text}" if self.group else self.text


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: the stem of its files.
        title: says what it is.
        notes: what a reader must know, a paragraph each.
        headers: of the columns; the first names the row.
        rows: entries, as many as there are headers.
        rules: indices of rows that have a line above them: where another group starts.

    """

    name: str
    title: str
    headers: tuple[Header, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...] = ()
    rules: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.headers) for row in self.rows), self.name


def number(value: float | None, digits: int, form: str = "") -> Entry:
    """A number with so many digits after the point; `form` `+` shows the sign; None is a dash."""
    return MISSING if value is None else Entry(f"{value:{form}.{digits}f}", value)


def marked(entries: Sequence[Entry], *, higher: bool, only: Iterable[int] | None = None) -> list[Entry]:
    """The entries with the best and the second best number marked, ties alike, as they are printed.

    `only` are the indices that take part; None: all.
    """
    part = range(len(entries)) if only is None else list(only)
    shown = {i: float(entries[i].text.split()[0]) for i in part if entries[i].value is not None}
    ranks = sorted(set(shown.values()), reverse=higher)[:2]
    if len(ranks) < 2:
        return list(entries)
    marks: dict[float, Mark] = {ranks[0]: "best", ranks[1]: "second"}
    return [replace(entry, mark=marks.get(shown[i], "")) if i in shown else entry for i, entry in enumerate(entries)]


def mark_columns(
    rows: Sequence[Sequence[Entry]], higher: dict[int, bool], only: Iterable[int] | None = None
) -> list[list[Entry]]:
    """The rows with the best and second best of each column in `higher` marked; it says whether more is better.

    `only` are the indices of the rows that take part; None: all.
    """
    part = range(len(rows)) if only is None else list(only)
    columns = [list(column) for column in zip(*rows, strict=True)]
    for index, is_higher in higher.items():
        columns[index] = marked(columns[index], higher=is_higher, only=part)
    return [list(row) for row in zip(*columns, strict=True)]
