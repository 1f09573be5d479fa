"""What a row finds out: figures, each with a unit, sides to compare with, and a goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple, Optional


class Goal(NamedTuple):
    """What is wanted of a figure, or, where `of_ratio`, of its ratio to the first side beside it."""

    limit: float
    at_most: bool = True
    of_ratio: bool = False

    def is_reached(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit


class Median(NamedTuple):
    """The median of what was seen on one side."""

    side: str
    value: float
    samples: tuple[float, ...]


class Figure(NamedTuple):
    """One thing that was measured. The first of `sides` is the one that is judged."""

    name: str
    unit: str
    sides: tuple[Median, ...]
    goal: Optional[Goal] = None

    @property
    def ours(self) -> Median:
        return self.sides[0]

    def ratio(self, side: Median) -> Optional[float]:
        """The first side's median by that one's; None where there is no such ratio."""
        if side is self.ours or not side.value:
            return None
        return self.ours.value / side.value

    @property
    def is_reached(self) -> Optional[bool]:
        """Whether the goal is; None where there is none."""
        if self.goal is None:
            return None
        judged = self.ratio(self.sides[1]) if self.goal.of_ratio else self.ours.value
        return judged is not None and self.goal.is_reached(judged)


def median_of(side: str, samples: Sequence[float]) -> Median:
    return Median(side, statistics.median(samples), tuple(samples))


class Result(NamedTuple):
    """A row when it is done. `remarks`: what else a reader must know, a line each."""

    title: str
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = ()
