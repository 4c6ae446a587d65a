"""What the paper claims in numbers, and whether the measurements bear it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bench.methods.names import PAPER_METHODS
from bench.published import CLAIMS
from bench.report.claims.sums import Term, names, parse_sum
from bench.report.published import ACCURACIES, DATA, METRICS, Measured, Measurements, PaperFigure
from bench.report.tables.sheet import Entry, Header, Sheet

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
NOT_RESOLVED = "not statistically significant"
"""The clips are too few to say: the interval of a difference holds 0."""
NOT_MEASURABLE = "not measurable here"
CLAIMS_NOTE = (
    f"“{NOT_RESOLVED}”: the 95 % interval of a difference, bootstrapped over clips, holds 0. Small-scale claims are "
    "evaluated on the data and backbones of a run, not on the paper's."
)
DATA_NAMES = {"vspw": "VSPW", "cityscapes": "Cityscapes"}


@dataclass(frozen=True)
class Claim:
    """An entry of `claims.yaml`; the fields are described there."""

    name: str
    sentence: str
    where: str
    quantity: str
    value: str = ""
    over: str = ""
    times: float = 1
    unit: str = ""
    expected: float | Mapping[str, float] = 0
    tolerance: float | str = 0
    remarks: Mapping[str, str] = field(default_factory=dict)
    bound: str = ""
    metric: str = ""
    positive: Sequence[str] = ()

    @property
    def digits(self) -> int:
        """Digits after the point of the expected values."""
        return max(len(f"{value:g}".partition(".")[2]) for _, value in self.cases())

    def cases(self) -> Iterator[tuple[str, float]]:
        """What `*` stands for, and the value expected of it."""
        if isinstance(self.expected, Mapping):
            yield from self.expected.items()
        else:
            yield "", self.expected


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a claim, or of one case of it."""

    claim: Claim
    case: str
    expected: str
    measured: str
    verdict: str
    why: str


Lookup = Callable[[PaperFigure], float | None]


def read_claims(file: Path = CLAIMS) -> list[Claim]:
    """The claims, in their order."""
    return [Claim(**entry) for entry in yaml.safe_load(file.read_text())["claims"]]


def evaluate(claim: Claim, case: str, lookup: Lookup) -> float | None:
    """The claim's quantity, of figures that are looked up; None where one is not there."""
    parts = [_total(terms, lookup) for terms in (_terms(claim.value, case), _terms(claim.over, case)) if terms]
    if any(part is None for part in parts):
        return None
    numerator, denominator = (*parts, 1.0)[:2]
    assert numerator is not None
    assert denominator is not None
    return claim.times * numerator / denominator


def figures(claim: Claim, case: str) -> list[PaperFigure]:
    """The figures that the claim's quantity is made of."""
    return [_figure(name) for name in names((*_terms(claim.value, case), *_terms(claim.over, case)))]


def holds(claim: Claim, expected: float, value: float) -> bool:
    """Whether a value agrees with the expected one."""
    tolerance = claim.tolerance
    if isinstance(tolerance, str):
        tolerance = abs(expected) * float(tolerance.removesuffix("%")) / 100
    beyond = {"at least": value >= expected, "at most": value <= expected}.get(claim.bound, False)
    return beyond or abs(value - expected) <= tolerance + 1e-9


def judge(claim: Claim, published: Mapping[PaperFigure, float], measurements: Measurements) -> list[Verdict]:
    """Hold a claim about the paper's own data and backbones against what was measured of them.

    The figures of methods that the project does not sweep are counted ones where there are any, else the paper's;
    where they are counted, the reason says what the paper's own figures make.
    """
    verdicts = []
    for case, expected in claim.cases():
        parts = figures(claim, case)
        ours = {figure: measurements.find(figure) for figure in parts if figure.method in PAPER_METHODS}
        missing = [figure for figure, measured in ours.items() if measured is None]
        rivals = {figure: measurements.find(figure) for figure in parts if figure.method not in PAPER_METHODS}

        def lookup(figure: PaperFigure, known: Mapping = ours | rivals) -> float | None:
            measured = known.get(figure)
            return measured.value if measured else published[figure]

        def lookup_ours(figure: PaperFigure, known: Mapping = ours) -> float | None:
            measured = known.get(figure)
            return measured.value if measured else published[figure]

        value = None if missing else evaluate(claim, case, lookup)
        if value is None:
            verdict, why = NOT_MEASURABLE, "; ".join(dict.fromkeys(map(_needs, missing)))
        else:
            verdict = REPRODUCED if holds(claim, expected, value) else NOT_REPRODUCED
            notes = [measured.note for measured in ours.values() if measured and measured.note]
            others = [
                f"the paper's figure of {f.method}" if of_rival is None else _counted_rival(f, published[f], of_rival)
                for f, of_rival in rivals.items()
            ]
            if any(rivals.values()):
                with_printed = evaluate(claim, case, lookup_ours)
                others.append(f"with the paper's own figure {with_printed:.{claim.digits + 1}f} {claim.unit}")
            why = "; ".join(dict.fromkeys([*notes, *others, *filter(None, [claim.remarks.get(case)])]))
        shown = "-" if value is None else f"{value:.{claim.digits + 1}f} {claim.unit}"
        printed = f"{claim.bound} {expected:.{claim.digits}f} {claim.unit}".strip()
        verdicts.append(Verdict(claim, case.replace("_", " "), printed, shown, verdict, why))
    return verdicts


def claims_sheet(verdicts: Sequence[Verdict]) -> Sheet:
    """All verdicts as a table; a claim's sentence stands in its first row."""
    rows, rules = [], set()
    for index, v in enumerate(verdicts):
        first = index == 0 or verdicts[index - 1].claim is not v.claim
        if first:
            rules.add(index)
        what = f"{v.claim.quantity}: {v.case}" if v.case else v.claim.quantity
        quoted = (f"“{v.claim.sentence}”", v.claim.where) if first else ("", "")
        rows.append(tuple(map(Entry, (what, v.expected, v.measured, v.verdict, v.why, *quoted))))
    heads = ("Quantity", "Paper", "Here", "Verdict", "Why", "Sentence", "Where")
    return Sheet(
        name="claims",
        title="What the paper claims, and what was found here",
        headers=tuple(Header(head, number=head in ("Paper", "Here")) for head in heads),
        rows=tuple(rows),
        notes=(CLAIMS_NOTE,),
        rules=frozenset(rules),
    )


def _terms(text: str, case: str) -> tuple[Term, ...]:
    return parse_sum(text.replace("*", case)) if text else ()


def _total(terms: Sequence[Term], lookup: Lookup) -> float | None:
    values = [lookup(_figure(term.name)) for term in terms]
    return None if None in values else sum(t.weight * v for t, v in zip(terms, values, strict=True) if v is not None)


def _figure(name: str) -> PaperFigure:
    path, _, interval = name.partition("@")
    table, method, backbone, metric = (part.replace("_", " ") for part in path.split("/"))
    metric = "params_M" if metric == "params M" else metric
    return PaperFigure(table, method, backbone, metric, int(interval) if interval else None)


def _counted_rival(figure: PaperFigure, printed: float, counted: Measured) -> str:
    """A counted figure beside the printed one."""
    known = f" ({counted.note})" if counted.note else ""
    return f"{figure.method} {figure.backbone} counts {counted.value:.1f}, printed {printed:g}{known}"


def _needs(figure: PaperFigure) -> str:
    if figure.metric in ACCURACIES:
        data = DATA_NAMES[DATA[figure.table]]
        return f"{METRICS[figure.metric].title.split(' (')[0]} needs the validation split of {data} and trained weights"
    if figure.metric == "FPS":
        return f"FPS needs a sweep on {DATA_NAMES[DATA[figure.table]]} at interval 5, and the paper's are of a V100"
    return "not among the counted costs that this report was given"
