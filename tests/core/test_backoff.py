"""Pauses double up to a bound, are spread evenly, and give way to what the other side asks for."""

from __future__ import annotations

import pytest

from argus.core.backoff import Backoff


def _pauses(random: float, asked_s: float | None, failures: int) -> list[float]:
    backoff = Backoff(1.0, 30.0, lambda: random)
    pauses = []
    for _ in range(failures):
        backoff.failed(100.0, asked_s)
        pauses.append(backoff.not_before - 100.0)
    return pauses


@pytest.mark.parametrize("random", [0.0, 0.5, 1.0])
def test_bound_doubles_and_the_pause_is_spread_below_it(random: float) -> None:
    bounds = [1, 2, 4, 8, 16, 30, 30]

    assert _pauses(random, None, 7) == [bound * random for bound in bounds]


def test_endless_failures_do_not_overflow() -> None:
    assert _pauses(1.0, None, 5000)[-1] == 30.0


@pytest.mark.parametrize("asked_s", [0.0, 1.0, 20.0, 600.0])
def test_asked_time_is_the_least_and_chance_adds_more_with_each_failure(asked_s: float) -> None:
    bounds = [1, 2, 4, 8, 16, 30]

    assert _pauses(0.0, asked_s, 6) == pytest.approx([asked_s] * 6)
    assert _pauses(1.0, asked_s, 6) == pytest.approx([asked_s + bound for bound in bounds])


def test_chance_may_be_told_to_add_more_than_the_bound() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    backoff.failed(100.0, 5.0, spread_s=60.0)

    assert backoff.not_before == 165.0


def test_success_begins_anew() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    for now in range(5):
        backoff.failed(float(now), None)

    backoff.succeeded()
    assert backoff.not_before == 0.0

    backoff.failed(50.0, None)
    assert backoff.not_before == 51.0


def test_skipped_pause_does_not_forget_the_failures() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    backoff.failed(0.0, None)
    backoff.failed(1.0, None)

    backoff.skip_pause()
    assert backoff.not_before == 0.0

    backoff.failed(2.0, None)
    assert backoff.not_before == 6.0
