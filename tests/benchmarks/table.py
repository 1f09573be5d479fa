"""The table that a person reads, and the same as plain values for machines."""

from __future__ import annotations

from typing import Any, Optional

from tests.benchmarks.figures import Figure, Goal, Result

_NAME, _SIDE, _VALUE, _RATIO = 24, 24, 12, 12

HEADING = f"{'':{_NAME}}{'':{_SIDE}}{'median':>{_VALUE}}{'ratio':>{_RATIO}}   goal"


def lines(name: str, result: Result) -> list[str]:
    """A row of the benchmark: a title, then a line for each figure and side."""
    shown = ["", f"{name}: {result.title}"]
    for figure in result.figures:
        for side in figure.sides:
            first = side is figure.ours
            columns = (
                f"  {figure.name if first else '':{_NAME - 2}}"
                f"{side.side:{_SIDE}}"
                f"{amount(side.value, figure.unit):>{_VALUE}}"
                f"{times(figure.ratio(side)):>{_RATIO}}"
                f"   {wanted(figure) if first else ''}"
            )
            shown.append(columns.rstrip())
    return [*shown, *(f"  ({remark})" for remark in result.remarks)]


def skipped(name: str, reason: str) -> list[str]:
    return ["", f"{name}: skipped: {reason}"]


def amount(value: float, unit: str) -> str:
    """Three digits that count, and the unit."""
    size = abs(value)
    if size >= 100 or (unit == "" and value == int(value)):
        number = f"{value:,.0f}"
    else:
        number = f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"
    return f"{number}{'' if unit in ('', '/s', '%') else ' '}{unit}"


def times(ratio: Optional[float]) -> str:
    """Ours by theirs: near 1 to three digits, as a fraction where theirs is many times ours."""
    if ratio is None:
        return ""
    if 0 < ratio < 0.1:
        return f"1/{1 / ratio:,.0f}"
    return f"{ratio:.4f}" if 0.95 <= ratio <= 1.05 else f"{ratio:.2f}"


def wanted(figure: Figure) -> str:
    """The goal, and whether it is reached."""
    goal = figure.goal
    if goal is None:
        return ""
    limit = f"{goal.limit:g} times" if goal.of_ratio else amount_of_goal(goal, figure.unit)
    verdict = "reached" if figure.is_reached else "missed"
    return f"{'≤' if goal.at_most else '≥'} {limit}: {verdict}"


def amount_of_goal(goal: Goal, unit: str) -> str:
    return f"{goal.limit:,g}{'' if unit in ('', '/s', '%') else ' '}{unit}"


def plain(name: str, result: Result) -> dict[str, Any]:
    """A row for machines: medians, ratios and everything that was seen."""
    return {
        "row": name,
        "title": result.title,
        "remarks": list(result.remarks),
        "figures": [_plain_figure(figure) for figure in result.figures],
    }


def _plain_figure(figure: Figure) -> dict[str, Any]:
    goal = figure.goal
    return {
        "figure": figure.name,
        "unit": figure.unit,
        "goal": None
        if goal is None
        else {"limit": goal.limit, "at_most": goal.at_most, "of_ratio": goal.of_ratio},
        "reached": figure.is_reached,
        "sides": [
            {
                "side": side.side,
                "median": side.value,
                "ratio": figure.ratio(side),
                "samples": list(side.samples),
            }
            for side in figure.sides
        ],
    }
