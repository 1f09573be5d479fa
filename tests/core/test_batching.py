"""Requests are as full as the contract allows, and wait for company no longer than they must."""

from __future__ import annotations

import pytest

from argus.core.batching import MAX_REQUEST_BYTES, Backlog, Linger, batch_length
from argus.core.jsonl import Line

HALF = MAX_REQUEST_BYTES // 2


def _lines(*sizes: int) -> list[Line]:
    return [Line(b"x" * (size - 1), "id") for size in sizes]


@pytest.mark.parametrize(
    ("sizes", "max_events", "length"),
    [
        ([], 500, 0),
        ([10], 500, 1),
        ([10] * 500, 500, 500),
        ([10] * 501, 500, 500),
        ([10] * 5, 2, 2),
        ([10] * 5, 1, 1),
        ([HALF, HALF], 500, 2),
        ([HALF, HALF + 1], 500, 1),
        ([HALF, HALF, 1], 500, 2),
        ([3 * MAX_REQUEST_BYTES, 10], 500, 1),
        ([10, 3 * MAX_REQUEST_BYTES], 500, 1),
    ],
)
def test_request_takes_what_fits_and_one_at_least(
    sizes: list[int], max_events: int, length: int
) -> None:
    assert batch_length(_lines(*sizes), max_events) == length


@pytest.mark.parametrize(
    ("backlog", "due_at"),
    [
        (Backlog(1, 100, 50.0, urgent=False), 51.0),
        (Backlog(499, MAX_REQUEST_BYTES - 1, 50.0, urgent=False), 51.0),
        (Backlog(1, 100, 50.0, urgent=True), 50.0),
        (Backlog(500, 100, 50.0, urgent=False), 50.0),
        (Backlog(1, MAX_REQUEST_BYTES, 50.0, urgent=False), 50.0),
    ],
)
def test_events_linger_unless_urgent_or_enough_for_a_request(
    backlog: Backlog, due_at: float
) -> None:
    assert Linger().due_at(backlog) == due_at


def test_linger_doubles_with_each_429_up_to_two_minutes() -> None:
    linger = Linger()
    seen = []
    for _ in range(8):
        linger.throttled()
        seen.append(linger.seconds)

    assert seen == [2, 4, 8, 16, 32, 64, 120, 120]
    assert linger.due_at(Backlog(1, 100, 50.0, urgent=False)) == 170.0


def test_linger_shrinks_when_the_platform_has_been_content_for_a_while() -> None:
    linger = Linger()
    linger.throttled()
    linger.throttled()
    seen = []
    for _ in range(30):
        linger.accepted()
        seen.append(linger.seconds)

    assert seen == [4] * 9 + [2] * 10 + [1] * 11


def test_429_begins_the_while_anew() -> None:
    linger = Linger()
    linger.throttled()
    for _ in range(9):
        linger.accepted()
    linger.throttled()
    linger.accepted()

    assert linger.seconds == 4
