"""Presses the stop button of a batch: for a person at a terminal, who waits for the answer."""

from __future__ import annotations

import json
from enum import Enum
from typing import NamedTuple, Optional

from argus.core.jsonl import parsed_object
from argus.core.verdicts import Answer, NetworkFailure, judge
from argus.transport.address import stop_request_path
from argus.transport.client import HttpClient

_TIMEOUT_S = 10.0


class Outcome(Enum):
    """What became of the wish."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"  # nobody knows that batch there
    FAILED = "failed"  # it is not known to be stopped


class StopAnswer(NamedTuple):
    """`at` and `by` are of the first request; `reason` says why there is none."""

    outcome: Outcome
    at: Optional[str] = None
    by: Optional[str] = None
    reason: Optional[str] = None


def request_stop(client: HttpClient, batch_id: str, by: str | None) -> StopAnswer:
    """Ask the platform to have a batch stopped."""
    body = json.dumps({"requested_by": by} if by else {}).encode("ascii")
    return judged(client.request("POST", stop_request_path(batch_id), body, _TIMEOUT_S))


def judged(answer: Answer) -> StopAnswer:
    """What an answer says. A 404 can only mean the batch: the path is there on every platform."""
    if isinstance(answer, NetworkFailure):
        return StopAnswer(Outcome.FAILED, reason=answer.advice or answer.reason)
    state = parsed_object(answer.body) or {}
    if 200 <= answer.status < 300 and state.get("requested") is True:
        return StopAnswer(
            Outcome.REQUESTED, _text(state.get("requested_at")), _text(state.get("requested_by"))
        )
    if answer.status == 404 and state:  # as JSON; a web server of another kind has a page for it
        return StopAnswer(Outcome.UNKNOWN)
    verdict = judge(answer, [], 0.0)
    return StopAnswer(Outcome.FAILED, reason=verdict.halt or verdict.failure or "no clear answer")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
