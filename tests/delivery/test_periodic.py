from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from argus.delivery.notices import Notices
from argus.delivery.periodic import Periodic


class Turns:
    """Counts the turns of a task, and ends the wait of the test after enough of them."""

    def __init__(self, enough: int, action: Callable[[int], float | None]) -> None:
        self.count = 0
        self.done = threading.Event()
        self._enough = enough
        self._action = action

    def __call__(self) -> float | None:
        self.count += 1
        if self.count == self._enough:
            self.done.set()
        return self._action(self.count)


def test_the_task_is_called_again_and_again_until_stopped():
    turns = Turns(3, lambda count: None)
    periodic = Periodic("test", 0.01, turns, Notices(), first_s=0.0)
    periodic.start()
    assert turns.done.wait(10.0)
    periodic.stop()


def test_a_task_that_raises_has_its_next_turn_all_the_same(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    turns = Turns(3, lambda count: 1 // 0)
    periodic = Periodic("test", 0.01, turns, Notices(), first_s=0.0)
    periodic.start()
    assert turns.done.wait(10.0)
    periodic.stop()
    assert "the test failed: ZeroDivisionError" in caplog.text


def test_the_task_may_ask_for_another_pause():
    turns = Turns(3, lambda count: 0.01)
    periodic = Periodic("test", 3_600.0, turns, Notices(), first_s=0.0)
    periodic.start()
    assert turns.done.wait(10.0)
    periodic.stop()


def test_a_pause_without_end_is_a_last_turn():
    turns = Turns(1, lambda count: float("inf"))
    periodic = Periodic("test", 0.01, turns, Notices(), first_s=0.0)
    periodic.start()
    assert turns.done.wait(10.0)
    periodic.join(10.0)
    assert turns.count == 1
