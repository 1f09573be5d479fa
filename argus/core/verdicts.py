"""What a reply means for each event of the request that it answers.

A reply is read here and nowhere else; whoever sends only carries the verdict out. What is quoted
from it goes into logs and files, so it is redacted: some servers repeat the token that they refuse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

from argus.core.http_date import parse_http_date
from argus.core.redact import redacted

_FILE_REFUSED = (400, 403, 413, 415, 422)

MAX_RETRY_AFTER_S = 600.0  # an absurd Retry-After must not silence a run for a day


class Reply(NamedTuple):
    """A complete answer of the other side. `redirect` is the target of a redirect not followed."""

    status: int
    body: bytes = b""
    retry_after: Optional[str] = None
    redirect: Optional[str] = None
    date: Optional[str] = None  # of the other side's clock


class NetworkFailure(NamedTuple):
    """No complete answer: refused, reset, timed out, a name that does not resolve.

    `advice` is what a person must do where trying again will not help.
    """

    reason: str
    advice: Optional[str] = None


Answer = Union[Reply, NetworkFailure]


class Verdict(NamedTuple):
    """What becomes of the events of one request. An index in none of the three goes again.

    confirmed   indices that the platform has
    refused     indices it will never take, each with the reason: dead letters
    unstored    indices it could not store for a reason of its own, or said nothing about
    wholesale    the request was refused as a whole, whatever was in it: send fewer together
    halt        nothing will get through until a person acts: why
    absent      nobody is there who takes events
    foreign     what answered is no platform: a login page that says 200
    throttled   the platform said 429
    wait_s      the time that the platform asked for, where it did
    failure     what went wrong, for the log; None where all went well
    """

    confirmed: frozenset[int] = frozenset()
    refused: Mapping[int, str] = {}
    unstored: frozenset[int] = frozenset()
    wholesale: bool = False
    halt: Optional[str] = None
    absent: bool = False
    foreign: bool = False
    throttled: bool = False
    wait_s: Optional[float] = None
    failure: Optional[str] = None


def judge(answer: Answer, event_ids: Sequence[str], wall_now: float) -> Verdict:
    """The verdict on a request that carried the events of `event_ids`, in that order.

    `wall_now`, in seconds since the epoch, turns a Retry-After that is a date into seconds.
    """
    if isinstance(answer, NetworkFailure):
        return Verdict(failure=redacted(answer.reason), halt=answer.advice, absent=True)
    status = answer.status
    if 200 <= status < 300:
        return _judge_results(answer.body, event_ids)
    failure = f"HTTP {status}{_said(answer.body)}"
    halt = _reason_to_halt(answer, failure)
    if halt is not None:
        return Verdict(failure=failure, halt=halt, absent=True)
    if status in (400, 422):
        refused = _named_events(answer.body, len(event_ids))
        if 0 < len(refused) < len(event_ids):  # who names all of them may as well name none
            return Verdict(failure=failure, refused=refused)
        said = f"HTTP {status}: {refused[0]}" if refused else failure
        return Verdict(failure=said, wholesale=True)
    if status == 413:
        return Verdict(failure=failure, wholesale=True)
    return Verdict(
        failure=failure,
        throttled=status == 429,
        wait_s=retry_after_s(answer.retry_after, wall_now),
    )


def _reason_to_halt(reply: Reply, failure: str) -> str | None:
    """Why nothing sent to that platform will get through, however often it is sent."""
    if 300 <= reply.status < 400:
        return f"it redirects to {redacted(reply.redirect or 'nowhere')}, which is not followed"
    if reply.status in (401, 403):
        return f"it refused the token, or wants one ({failure}); check ARGUS_TOKEN"
    if reply.status in (404, 405, 407, 410):
        return f"no Argus platform answers there ({failure}); check ARGUS_URL"
    if reply.status == 415:
        return f"it takes another version of the event schema ({failure})"
    return None


class UploadVerdict(NamedTuple):
    """What becomes of one artifact: with neither of the first two, it goes again."""

    delivered: bool = False
    refused: Optional[str] = None
    absent: bool = False
    wait_s: Optional[float] = None


def judge_upload(answer: Answer, wall_now: float) -> UploadVerdict:
    """The verdict on one file. `wall_now` as in `judge`."""
    if isinstance(answer, NetworkFailure):
        return UploadVerdict(absent=True)
    if 200 <= answer.status < 300:
        return UploadVerdict(delivered=True)
    if answer.status in _FILE_REFUSED:
        return UploadVerdict(refused=f"HTTP {answer.status}{_said(answer.body)}")
    return UploadVerdict(
        absent=answer.status == 401 or answer.status < 400,
        wait_s=retry_after_s(answer.retry_after, wall_now),
    )


def retry_after_s(value: str | None, wall_now: float) -> float | None:
    """A Retry-After header (RFC 9110, 10.2.3: seconds or an HTTP date) in seconds, capped."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = parse_http_date(value)
        if date is None:
            return None
        seconds = date - wall_now
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _judge_results(body: bytes, event_ids: Sequence[str]) -> Verdict:
    """Each event alone. One that may stand in the file twice, under one id, is settled twice."""
    asked = [event_id.lower() for event_id in event_ids]
    told = _told(body, frozenset(asked))
    done = frozenset([i for i, event_id in enumerate(asked) if event_id in told.confirmed])
    dead = {i: told.refused[e] for i, e in enumerate(asked) if i not in done and e in told.refused}
    left = frozenset(range(len(asked))) - done - dead.keys()
    is_answer = bool(told.confirmed or told.refused or told.internal)
    failure = None
    if not is_answer:
        failure = f"an answer that no Argus platform gives{_said(body)}; check ARGUS_URL"
    elif left:
        trouble = _said(told.internal[0].encode("utf-8", "replace")) if told.internal else ""
        failure = f"{len(left)} of {len(asked)} events were not stored{trouble}"
    return Verdict(
        confirmed=done,
        refused=dead,
        unstored=left if is_answer else frozenset(),
        absent=not is_answer,
        foreign=not is_answer,
        failure=failure,
    )


class _Told:
    """What an answer says of the events that were asked about; their ids in lower case."""

    def __init__(self) -> None:
        self.confirmed: set[str] = set()
        self.refused: dict[str, str] = {}
        self.internal: list[str] = []  # what the platform says of its own trouble


def _told(body: bytes, asked: frozenset[str]) -> _Told:
    told = _Told()
    for result in _results(body):
        event_id = result.get("event_id") if isinstance(result, dict) else None
        if not isinstance(event_id, str) or (event_id := event_id.lower()) not in asked:
            continue
        status = result.get("status")
        if status in ("accepted", "deduplicated"):
            told.confirmed.add(event_id)
        elif status == "rejected":
            error = str(result.get("error"))
            if error.startswith("internal:"):
                told.internal.append(error)
            else:
                told.refused[event_id] = redacted(error)
    return told


def _results(body: bytes) -> list[Any]:
    answer = _parsed(body)
    results = answer.get("results") if isinstance(answer, dict) else None
    return results if isinstance(results, list) else []


def _named_events(body: bytes, count: int) -> dict[int, str]:
    """The events that a 400 or 422 names: `{"detail": [{"loc": ["body", "events", 1, …], …}]}`."""
    answer = _parsed(body)
    detail = answer.get("detail") if isinstance(answer, dict) else None
    named: dict[int, str] = {}
    for item in detail if isinstance(detail, list) else ():
        loc = item.get("loc") if isinstance(item, dict) else None
        if not isinstance(loc, list) or loc[:2] != ["body", "events"] or len(loc) < 3:
            continue
        index = loc[2]
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count:
            place = ".".join(str(part) for part in loc[3:])
            reason = redacted(str(item.get("msg")))
            named.setdefault(index, f"{place}: {reason}" if place else reason)
    return named


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _said(body: bytes) -> str:
    """The beginning of an answer's text, for a log line; empty for an empty body."""
    text = " ".join(body[:200].decode("utf-8", "replace").split())
    return f": {redacted(text)}" if text else ""
