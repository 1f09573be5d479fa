from __future__ import annotations

import time

import pytest

from argus.transport.patience import SLICE_S, Patience
from tests.transport.exchanges import nothing_meanwhile


def last_call(patience: Patience) -> None:
    patience.until(time.monotonic())


def spend(patience: Patience, until: float) -> None:
    """Asks on and on, as one does to whom there is always something to do."""
    while time.monotonic() < until:
        patience.next_slice_s()


def test_a_slice_is_short_and_no_longer_than_what_is_left():
    assert 0 < Patience(60.0, nothing_meanwhile).next_slice_s() <= SLICE_S
    assert 0 < Patience(0.01, nothing_meanwhile).next_slice_s() <= 0.01


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_there_is_no_slice_after_the_deadline(timeout_s):
    with pytest.raises(TimeoutError, match="no complete answer in time"):
        Patience(timeout_s, nothing_meanwhile).next_slice_s()


def test_a_deadline_is_shortened_and_never_put_off():
    patience = Patience(60.0, nothing_meanwhile)
    patience.until(time.monotonic() + 0.01)
    patience.until(time.monotonic() + 60.0)
    assert patience.next_slice_s() <= 0.01


def test_meanwhile_has_its_turn_about_once_a_slice_even_where_nothing_waits():
    turns: list[float] = []
    patience = Patience(60.0, lambda _: turns.append(time.monotonic()))
    spend(patience, time.monotonic() + 5 * SLICE_S)
    assert 1 <= len(turns) <= 5
    assert all(later - earlier >= SLICE_S for earlier, later in zip(turns, turns[1:]))


def test_meanwhile_ends_it_at_once():
    patience = Patience(60.0, last_call)
    with pytest.raises(TimeoutError):
        spend(patience, time.monotonic() + 10.0)


def test_a_part_ends_before_the_whole_does():
    whole = Patience(60.0, nothing_meanwhile)
    with pytest.raises(TimeoutError):
        whole.part(0.0).next_slice_s()
    assert whole.next_slice_s() > 0


def test_a_part_does_not_outlive_the_whole():
    with pytest.raises(TimeoutError):
        Patience(0.0, nothing_meanwhile).part(60.0).next_slice_s()


def test_what_shortens_a_part_shortens_the_whole():
    whole = Patience(60.0, last_call)
    with pytest.raises(TimeoutError):
        spend(whole.part(60.0), time.monotonic() + 10.0)
    with pytest.raises(TimeoutError):
        whole.next_slice_s()
