"""Claims that are held against whatever data and backbones a run has: the paper's orderings at small scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from bench.report.claims.claims import NOT_MEASURABLE, NOT_REPRODUCED, NOT_RESOLVED, REPRODUCED, Claim, Verdict
from bench.report.claims.sums import Term, names, parse_sum
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import StudyRun
from bench.report.study import Study
from bench.runs.clip_counts import contrast

Chosen = Mapping[str, Row]
"""The cell that stands for each name, METHOD:INTERVAL, of a sum."""


def judge_small(claim: Claim, study: Study) -> list[Verdict]:
    """One verdict for each run, backbone and choice of METHOD@LABEL rows that has all that the claim names.

    Where none has, one verdict says so.
    """
    sums = [parse_sum(text) for text in claim.positive]
    wanted = names([term for terms in sums for term in terms])
    verdicts = []
    for run in study.runs:
        for backbone, chosen in _choices(run, wanted, claim.metric):
            case = f"{run.name}, {backbone}{_labels(chosen)} (small-scale)"
            if any(map(is_untrained, chosen.values())):
                verdicts.append(Verdict(claim, case, "above 0", "-", NOT_MEASURABLE, "the weights are untrained"))
            else:
                verdicts.append(_judge(claim, case, run, sums, chosen))
    why = f"no run of this report has all of {', '.join(wanted)} with labels"
    return verdicts or [Verdict(claim, "small-scale", "above 0", "-", NOT_MEASURABLE, why)]


def _choices(run: StudyRun, wanted: Sequence[str], metric: str) -> Iterator[tuple[str, dict[str, Row]]]:
    parsed = {name: (name.partition(":")[0], int(name.partition(":")[2])) for name in wanted}
    bases = list(dict.fromkeys(base for base, _ in parsed.values()))
    for backbone in run.backbones:
        for rows in product(*(run.methods(base) for base in bases)):
            row_of = dict(zip(bases, rows, strict=True))
            cells = {name: run.cell(backbone, row_of[base], interval) for name, (base, interval) in parsed.items()}
            found = {name: cell for name, cell in cells.items() if cell is not None and is_there(cell, metric)}
            if len(found) == len(cells):
                yield backbone, found


def _judge(claim: Claim, case: str, run: StudyRun, sums: Sequence[Sequence[Term]], chosen: Chosen) -> Verdict:
    texts, lows, highs = [], [], []
    for text, terms in zip(claim.positive, sums, strict=True):
        constant = sum(term.weight for term in terms if not term.name)
        named = [term for term in terms if term.name]
        estimate = constant + sum(100 * term.weight * float(chosen[term.name][claim.metric]) for term in named)
        counts = [(term.weight, run.counts_of(chosen[term.name])) for term in named]
        kept = [(weight, of_cell) for weight, of_cell in counts if of_cell is not None]
        interval = contrast(kept, claim.metric) if len(kept) == len(counts) else None
        if interval is None:
            texts.append(f"{text}: {estimate:.2f}")
            lows.append(float("-inf"))
            highs.append(float("inf"))
        else:
            lows.append(constant + 100 * interval.low)
            highs.append(constant + 100 * interval.high)
            texts.append(f"{text}: {estimate:.2f} [{lows[-1]:.2f}, {highs[-1]:.2f}]")
    if min(lows) > 0:
        verdict, why = REPRODUCED, ""
    elif min(highs) < 0:
        failing = [text for text, high in zip(claim.positive, highs, strict=True) if high < 0]
        verdict, why = NOT_REPRODUCED, f"below 0: {'; '.join(failing)}"
    else:
        unclear = [t for t, low, high in zip(claim.positive, lows, highs, strict=True) if low <= 0 <= high]
        few = run.clips_note
        verdict = NOT_RESOLVED
        why = few or f"not significant on the clips of this run: {'; '.join(unclear)}"
    return Verdict(claim, case, "above 0", "; ".join(texts), verdict, why)


def _labels(chosen: Chosen) -> str:
    labelled = dict.fromkeys(cell["method"] for cell in chosen.values() if "@" in cell["method"])
    return f", {', '.join(labelled)}" if labelled else ""
