from __future__ import annotations

import threading

import pytest

from argus.delivery.latch import Latch


def test_it_opens_for_all_who_wait_and_for_all_who_come_later():
    latch = Latch()
    seen: list[bool] = []
    waiting = [threading.Thread(target=lambda: seen.append(latch.wait(30.0))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    latch.set()
    for thread in waiting:
        thread.join()
    assert seen == [True] * 4
    assert latch.wait(0.0)
    assert latch.is_set


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, 0.01, float("nan"), float("-inf")])
def test_what_does_not_happen_is_not_waited_for_longer_than_allowed(timeout_s: float):
    latch = Latch()
    assert not latch.wait(timeout_s)
    assert not latch.is_set


@pytest.mark.parametrize("timeout_s", [1e300, float("inf")])
def test_any_time_may_be_allowed(timeout_s: float):
    latch = Latch()
    threading.Timer(0.01, latch.set).start()
    assert latch.wait(timeout_s)


def test_it_may_be_set_again_and_again():
    latch = Latch()
    latch.set()
    latch.set()
    assert latch.wait(0.0)
    assert latch.wait(0.0)
