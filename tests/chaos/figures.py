"""What a run of the chaos suite has tried and seen, added up over all of its tests."""

from __future__ import annotations

from collections import Counter

_figures: Counter[str] = Counter()


def count(what: str, number: int = 1) -> None:
    """Add to a figure of the summary: faults played, kills, forks, calls, events delivered, …"""
    _figures[what] += number


def summary() -> list[str]:
    """One line for each figure, in the order of the names."""
    return [f"{number:>12,} {what}" for what, number in sorted(_figures.items())]
