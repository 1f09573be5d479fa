from __future__ import annotations

import math
import threading
import time

from argus.core.delivery import Outcome
from argus.core.verdicts import NetworkFailure, Reply, judge
from argus.sync.pace import Pace, SharedGate

_REFUSED = Outcome(0, 0, [], "connection refused", None)
_WENT_WELL = Outcome(10, 1, [], None, None)


def a_pace(limit_s: float = math.inf) -> Pace:
    return Pace(SharedGate(lambda: 0.5), limit_s)


def test_a_pause_that_was_asked_for_outlives_the_success_of_a_neighbour():
    gate = SharedGate(lambda: 0.0)
    gate.passed(100.0, judge(Reply(429, retry_after="30"), ["a"], 0.0), stuck=False)
    good = judge(Reply(200, b'{"results":[{"event_id":"a","status":"accepted"}]}'), ["a"], 0.0)
    gate.passed(101.0, good, stuck=False)
    assert gate.not_before == 130.0


def test_after_a_failure_of_the_network_a_success_lets_all_go_at_once():
    gate = SharedGate(lambda: 1.0)
    gate.passed(100.0, judge(NetworkFailure("reset"), ["a"], 0.0), stuck=False)
    assert gate.not_before > 100.0
    good = judge(Reply(200, b'{"results":[{"event_id":"a","status":"accepted"}]}'), ["a"], 0.0)
    gate.passed(101.0, good, stuck=False)
    assert gate.not_before == 0.0


def test_what_a_person_must_mend_ends_it_at_once():
    pace = a_pace()
    pace.learn(Outcome(0, 0, [], "HTTP 401", "it refused the token"))
    assert (pace.is_stopping, pace.given_up) == (True, "it refused the token")
    assert not pace.wait(0.0)


def test_what_is_no_platform_is_believed_after_three_answers_in_a_row():
    pace, login = a_pace(), Outcome(0, 0, [], "a login page", None, foreign=True)
    for outcome in (login, login, _WENT_WELL, login, login):
        pace.learn(outcome)
    assert not pace.is_stopping
    pace.learn(login)
    assert pace.given_up == "a login page"


def test_it_gives_up_once_nothing_got_through_for_long_enough():
    pace = a_pace(limit_s=0.05)
    pace.learn(_REFUSED)
    assert not pace.wait(time.monotonic() + 60.0)
    assert pace.given_up == "nothing got through for 0 s: connection refused"


def test_time_in_which_nothing_was_tried_does_not_count():
    pace = a_pace(limit_s=60.0)
    pace.learn(_REFUSED)
    pace.learn(_WENT_WELL)
    assert pace.trouble is None
    assert pace.wait(time.monotonic())


def test_a_wait_ends_with_the_end_of_all():
    pace = a_pace()
    answers: list[bool] = []
    waiter = threading.Thread(target=lambda: answers.append(pace.wait(time.monotonic() + 60.0)))
    waiter.start()
    pace.stop()
    waiter.join(10.0)
    assert answers == [False]


def test_several_who_are_told_to_wait_at_once_wait_once():
    gate = SharedGate(lambda: 1.0)
    told = judge(Reply(429, retry_after="2"), ["a"], 0.0)
    for now in (100.0, 100.1, 100.2):
        gate.passed(now, told, stuck=False)
    assert gate.not_before == 104.0  # as asked, and what chance adds for one that was told so
    gate.pause(110.0)
    gate.pause(105.0)
    assert gate.not_before == 110.0
