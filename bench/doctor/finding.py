"""One thing that was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["yes", "no", "broken"]
"""There; absent, which something optional may be; absent or damaged where the project cannot do without it."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do where it is not there."""

    topic: str
    """The heading that it stands under."""
    name: str
    state: State
    detail: str
    remedy: str | None = None


def text_of(findings: Sequence[Finding]) -> str:
    """All findings in lines, under their topics."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines, topic = list[str](), None
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            lines += ["", topic] if lines else [topic]
        remedy = f"; {finding.remedy}" if finding.remedy and finding.state != "yes" else ""
        lines.append(f"  {finding.state:<6}  {finding.name:<{width}}  {finding.detail}{remedy}")
    return "\n".join(lines)
