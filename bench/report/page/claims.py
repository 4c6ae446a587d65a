"""The paper's claims on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby

from bench.report.claims.claims import CLAIMS_NOTE, Verdict


def claims(verdicts: Sequence[Verdict]) -> str:
    """Each claim, folded, with the verdicts on its cases in its head and the cases under it."""
    parts = []
    for claim, group in groupby(verdicts, key=lambda verdict: verdict.claim):
        cases = list(group)
        tally = Counter(verdict.verdict for verdict in cases)
        badges = "".join(f' <span class="{_class(name)}">{count} {name}</span>' for name, count in tally.items())
        rows = "".join(
            f'<tr><th scope="row">{escape(v.case) or "-"}</th><td>{escape(v.expected)}</td>'
            f'<td class="long">{escape(v.measured).replace("; ", ";<br>")}</td>'
            f'<td class="text {_class(v.verdict)}">{v.verdict}</td><td class="text long">{escape(v.why)}</td></tr>'
            for v in cases
        )
        parts.append(
            f"<details><summary>{escape(claim.quantity)}{badges}</summary>"
            f"<blockquote><q>{escape(claim.sentence)}</q> <cite>{escape(claim.where)}</cite></blockquote>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(claim.quantity)}"><table>'
            '<thead><tr><th scope="col">Case</th><th scope="col">Paper</th><th scope="col">Here</th>'
            f'<th scope="col" class="text">Verdict</th><th scope="col" class="text">Why</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div></details>\n"
        )
    return "".join(parts) + (f"<p>{escape(CLAIMS_NOTE)}</p>" if parts else "")


def _class(verdict: str) -> str:
    return f"verdict-{verdict.replace(' ', '-')}"
