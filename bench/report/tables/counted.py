"""Costs of other publications' rows: printed, counted by the project's rules, and counted in other ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.published import METRICS
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number
from bench.runs.records.cost import CountedFigure

NOTE = (
    "“agrees”: our count is within 1 % (MACs) or 0.5 % (parameters), or rounds to the printed figure. “explained”: a "
    "line below it, of another tool or configuration, does. “contradiction”: no network gives it as printed."
)


def counted_ways_sheets(counted: Sequence[CountedFigure]) -> list[Sheet]:
    """One table of all ways; none where no other publication's row was counted."""
    cells = [cell for cell in counted if cell.what]
    if not cells:
        return []
    rows, rules = [], set()
    for cell in cells:
        rules.add(len(rows))
        rows += _rows(cell)
    heads = ("Figure", "Printed", "Counted", "Deviation", "Counted is", "Status")
    return [
        Sheet(
            name="counted-ways",
            title="Costs of other publications, printed and counted",
            headers=tuple(Header(head, number=head in heads[1:4]) for head in heads),
            rows=tuple(rows),
            notes=(NOTE,),
            rules=frozenset(rules),
        )
    ]


def _rows(cell: CountedFigure) -> Iterator[tuple[Entry, ...]]:
    title = METRICS[cell.quantity].title
    status = ": ".join(filter(None, (cell.status, cell.note)))
    yield (
        Entry(f"Table {cell.table}, {cell.method} {cell.backbone}, {title}"),
        Entry(f"{cell.printed:g}", cell.printed),
        number(cell.counted, 2),
        _share(cell.deviation),
        Entry(cell.what),
        Entry(status),
    )
    for other in cell.others:
        yield Entry(""), MISSING, number(other.counted, 2), _share(other.deviation), Entry(other.what), Entry("")


def _share(deviation: float) -> Entry:
    return Entry(f"{deviation:+.2%}", 100 * deviation)
