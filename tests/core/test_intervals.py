"""What stands for a number of seconds, and what for off."""

from __future__ import annotations

import math
from typing import Any

import pytest

from argus.core.intervals import Intervals, interval_s


class _Hostile:
    def __float__(self) -> float:
        raise SystemExit(3)


def test_daemons_keep_the_documented_times() -> None:
    intervals = Intervals.of(True, True, True)

    assert (intervals.heartbeat_s, intervals.stop_poll_s, intervals.snapshot_s) == (300, 10, 30)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 30.0),
        (False, None),
        (None, None),
        (5, 5.0),
        ("2.5", 2.5),
        (0, None),
        (-1, None),
        (1e-9, 0.05),
        (math.inf, 604_800.0),
        (10**400, 30.0),
        (math.nan, 30.0),
        ("often", 30.0),
        ([], 30.0),
        (_Hostile(), 30.0),
    ],
    ids=repr,
)
def test_interval_is_a_number_of_seconds_or_off(value: Any, expected: float | None) -> None:
    assert interval_s(value, 30.0) == expected
