"""In small steps, and not for long."""

from __future__ import annotations

import threading
import time

from argus.launch.pace import Pace


def test_work_goes_on_and_rests_between() -> None:
    class Leaving:
        def wait(self, timeout_s: float) -> bool:
            if timeout_s:
                rests.append(timeout_s)
            return False

    rests: list[float] = []
    pace = Pace(Leaving(), 60.0)
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        assert pace.goes_on()

    assert 1 <= len(rests) <= 50, "every millisecond of work"


def test_it_ends_when_the_block_is_left_and_when_its_time_is_up() -> None:
    leaving = threading.Event()
    pace = Pace(leaving, 60.0)
    assert pace.rest(0.0)
    assert not Pace(leaving, 0.0).rest(0.0)
    assert not pace.shorter(0.0).rest(0.0)
    assert pace.shorter(1_000.0).rest(0.0)
    assert not Pace(leaving, 0.0).shorter(1_000.0).rest(0.0)
    leaving.set()

    assert not pace.rest(60.0)
