"""One thing that was looked at, and what there is to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

OK = "ok"
WARN = "warn"  # a run would report all the same
FAIL = "FAIL"  # it would not


class Finding(NamedTuple):
    """`advice` says what to do; `origin` where a setting comes from; `facts` are for machines."""

    section: str
    name: str
    mark: str
    text: str
    advice: Optional[str] = None
    origin: Optional[str] = None
    facts: Optional[dict[str, Any]] = None


def would_report(findings: list[Finding]) -> bool:
    """Whether nothing that was found keeps a run from reporting."""
    return all(finding.mark != FAIL for finding in findings)
