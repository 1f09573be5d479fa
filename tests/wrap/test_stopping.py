from __future__ import annotations

import math
import signal
import sys

import pytest

from argus.wrap.stopping import Escalation

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)


def test_nothing_is_sent_before_somebody_wants_it() -> None:
    escalation = Escalation(5.0)
    assert (escalation.step(1e9), escalation.due_at, escalation.has_begun) == (
        None,
        math.inf,
        False,
    )


def test_it_is_asked_then_told_then_killed() -> None:
    escalation = Escalation(5.0)
    escalation.begin(10.0)
    sent = [(now, escalation.step(now)) for now in (10.0, 14.9, 15.0, 19.9, 20.0, 99.0)]
    assert [(now, number) for now, number in sent if number is not None] == [
        (10.0, signal.SIGINT),
        (15.0, signal.SIGTERM),
        (20.0, signal.SIGKILL),
    ]
    assert (escalation.due_at, escalation.has_begun) == (math.inf, True)


def test_to_want_it_again_begins_nothing_anew() -> None:
    escalation = Escalation(5.0)
    escalation.begin(10.0)
    escalation.step(10.0)
    escalation.begin(11.0)
    assert (escalation.step(12.0), escalation.due_at) == (None, 15.0)
