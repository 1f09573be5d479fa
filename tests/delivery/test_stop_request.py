"""The stop button as a person presses it."""

from __future__ import annotations

from typing import Any

import pytest

from argus.core.verdicts import NetworkFailure, Reply
from argus.delivery.stop_request import Outcome, StopAnswer, judged

STATE = b'{"requested": true, "requested_at": "2026-04-23T09:23:06Z", "requested_by": "ann"}'


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Reply(200, STATE), Outcome.REQUESTED),
        (Reply(202, b'{"requested": true}'), Outcome.REQUESTED),
        (Reply(200, b'{"requested": false}'), Outcome.FAILED),
        (Reply(200, b"<html>"), Outcome.FAILED),
        (Reply(404, b'{"detail": "no such batch"}'), Outcome.UNKNOWN),
        (Reply(404, b"<html>"), Outcome.FAILED),
        (Reply(405), Outcome.FAILED),
        (Reply(401), Outcome.FAILED),
        (Reply(500), Outcome.FAILED),
        (Reply(302, redirect="/login"), Outcome.FAILED),
        (NetworkFailure("reset"), Outcome.FAILED),
    ],
)
def test_only_who_says_so_has_been_asked(answer: Any, outcome: Outcome) -> None:
    told = judged(answer)
    assert told.outcome is outcome
    assert (told.reason is None) == (outcome is not Outcome.FAILED)


def test_who_was_first_is_told() -> None:
    assert judged(Reply(200, STATE)) == StopAnswer(
        Outcome.REQUESTED, at="2026-04-23T09:23:06Z", by="ann"
    )
