"""Each reply is read as the table in the design has it, whatever is in its body."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest

from argus.core.verdicts import (
    NetworkFailure,
    Reply,
    UploadVerdict,
    Verdict,
    judge,
    judge_upload,
    retry_after_s,
)

IDS = ["a", "b", "c"]
NOW = 1_776_936_186.0


def _result(event_id: object, status: object, error: object = None) -> dict[str, Any]:
    return {"event_id": event_id, "status": status, "db_id": 1, "error": error}


def _ok(*results: Any) -> Reply:
    return Reply(200, json.dumps({"accepted": 1, "rejected": 0, "results": results}).encode())


def test_empty_verdict_changes_nothing() -> None:
    assert Verdict() == (frozenset(), {}, frozenset(), False, None, False, False, False, None, None)
    assert UploadVerdict() == (False, None, False, None)


def test_accepted_and_deduplicated_are_confirmed() -> None:
    reply = _ok(_result("a", "accepted"), _result("b", "deduplicated"), _result("c", "accepted"))

    assert judge(reply, IDS, NOW) == Verdict(confirmed=frozenset({0, 1, 2}))


def test_rejected_item_does_not_take_its_neighbours_along() -> None:
    reply = _ok(_result("a", "accepted"), _result("b", "rejected", "no"), _result("c", "accepted"))

    assert judge(reply, IDS, NOW) == Verdict(confirmed=frozenset({0, 2}), refused={1: "no"})


def test_internal_error_of_an_item_is_told_apart_from_a_refusal() -> None:
    reply = _ok(
        _result("a", "accepted"),
        _result("b", "rejected", "internal: database is locked"),
        _result("c", "rejected", "not internal: bad"),
    )

    assert judge(reply, IDS, NOW) == Verdict(
        confirmed=frozenset({0}),
        refused={2: "not internal: bad"},
        unstored=frozenset({1}),
        failure="1 of 3 events were not stored: internal: database is locked",
    )


def test_results_belong_to_their_event_whatever_their_order() -> None:
    reply = _ok(_result("c", "rejected", "no"), _result("x", "rejected"), _result("a", "accepted"))

    assert judge(reply, IDS, NOW) == Verdict(
        confirmed=frozenset({0}),
        refused={2: "no"},
        unstored=frozenset({1}),
        failure="1 of 3 events were not stored",
    )


@pytest.mark.parametrize(
    "results",
    [
        [_result("a", "accepted"), _result("a", "rejected", "no")],
        [_result("a", "rejected", "no"), _result("a", "accepted")],
        [_result("a", "rejected", "internal: x"), _result("a", "accepted")],
    ],
)
def test_event_that_the_platform_has_is_not_refused_as_well(results: list[Any]) -> None:
    verdict = judge(_ok(*results), ["a"], NOW)

    assert verdict == Verdict(confirmed=frozenset({0}))


def test_rejection_without_a_reason_is_a_refusal() -> None:
    assert judge(_ok(_result("a", "rejected")), ["a"], NOW).refused == {0: "None"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please log in</html>",
        b"null",
        b"[]",
        b"{}",
        b'{"results": {}}',
        b'{"results": null}',
        b'{"results": []}',
        b'{"results": [null, 5, {"event_id": ["a"]}, {"event_id": "z", "status": "accepted"}]}',
        b'{"results": [{"event_id": "a"}, {"event_id": "b", "status": ["accepted"]}]}',
        b'{"accepted": true, "event_id": 5, "deduplicated": false}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 5_000,
    ],
)
def test_success_of_another_shape_is_not_a_delivery(body: bytes) -> None:
    verdict = judge(Reply(200, body), IDS, NOW)

    assert verdict == Verdict(absent=True, foreign=True, failure=verdict.failure)
    assert verdict.failure is not None
    assert verdict.failure.startswith("an answer that no Argus platform gives")
    assert len(verdict.failure) < 300


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 409, 451])
@pytest.mark.parametrize(("retry_after", "wait_s"), [(None, None), ("7", 7.0), ("soon", None)])
def test_passing_trouble_is_tried_again(
    status: int, retry_after: str | None, wait_s: float | None
) -> None:
    assert judge(Reply(status, b" a\n b ", retry_after), IDS, NOW) == Verdict(
        throttled=status == 429, wait_s=wait_s, failure=f"HTTP {status}: a b"
    )


def test_no_answer_is_tried_again_and_tells_that_nobody_is_there() -> None:
    assert judge(NetworkFailure("timed out"), IDS, NOW) == Verdict(failure="timed out", absent=True)


def test_trouble_that_a_person_must_end_halts() -> None:
    answer = NetworkFailure("bad certificate", "set ARGUS_CA_BUNDLE")

    assert judge(answer, IDS, NOW) == Verdict(
        failure="bad certificate", halt="set ARGUS_CA_BUNDLE", absent=True
    )


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply(401, b'{"detail": "bad token"}'), "ARGUS_TOKEN"),
        (Reply(403), "ARGUS_TOKEN"),
        (Reply(404), "ARGUS_URL"),
        (Reply(405), "ARGUS_URL"),
        (Reply(407), "ARGUS_URL"),
        (Reply(410), "ARGUS_URL"),
        (Reply(302, redirect="http://login"), "http://login"),
        (Reply(300), "redirects"),
        (Reply(399), "redirects"),
    ],
)
def test_refused_token_wrong_url_and_redirect_halt(reply: Reply, word: str) -> None:
    verdict = judge(reply, IDS, NOW)

    assert verdict == Verdict(failure=verdict.failure, halt=verdict.halt, absent=True)
    assert verdict.halt is not None
    assert word in verdict.halt
    assert f"HTTP {reply.status}" in str(verdict.failure)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(401, b'{"detail": "no such token: em_live_secret"}'),
        Reply(302, redirect="http://ann:em_live_secret@login/?token=em_live_secret"),
        Reply(200, b"<html>em_live_secret</html>"),
        NetworkFailure("no route to http://ann:em_live_secret@proxy"),
        Reply(200, json.dumps({"results": [_result("a", "rejected", "em_live_secret")]}).encode()),
        Reply(422, b'{"detail": [{"loc": ["body", "events", 0], "msg": "em_live_secret"}]}'),
    ],
)
def test_verdict_repeats_no_token(answer: Any) -> None:
    verdict = judge(answer, IDS, NOW)

    assert verdict.failure or verdict.refused
    assert "secret" not in repr(verdict)


def test_too_much_at_once_is_halved() -> None:
    assert judge(Reply(413), IDS, NOW) == Verdict(wholesale=True, failure="HTTP 413")


def _detail(*items: Any) -> bytes:
    return json.dumps({"detail": items}).encode()


@pytest.mark.parametrize("status", [400, 422])
def test_named_events_are_refused_each_with_its_reason(status: int) -> None:
    body = _detail(
        {"loc": ["body", "events", 1, "event_type"], "msg": "bad type"},
        {"loc": ["body", "events", 1, "timestamp"], "msg": "bad time"},
        {"loc": ["body", "events", 0], "msg": "no event"},
    )

    verdict = judge(Reply(status, body), IDS, NOW)

    assert verdict.refused == {1: "event_type: bad type", 0: "no event"}
    assert (verdict.confirmed, verdict.wholesale, verdict.absent) == (frozenset(), False, False)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"detail": "bad request"}',
        _detail(),
        _detail(None, 5, {}, {"loc": None}, {"loc": "body.events.1"}),
        _detail({"loc": ["body", "events"]}, {"loc": ["body", "batch", 1]}),
        _detail({"loc": ["body", "events", 3]}, {"loc": ["body", "events", -1]}),
        _detail({"loc": ["body", "events", "1"]}, {"loc": ["body", "events", True]}),
    ],
)
def test_refusal_that_names_no_event_is_halved(status: int, body: bytes) -> None:
    verdict = judge(Reply(status, body), IDS, NOW)

    assert (verdict.wholesale, verdict.refused, verdict.confirmed) == (True, {}, frozenset())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("-5", 0.0),
        ("86400", 600.0),
        ("9" * 400, 600.0),
        ("inf", 600.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("Thursday, 23-Apr-26 09:23:36 GMT", 30.0),  # RFC 850
        ("Thu Apr 23 09:23:36 2026", 30.0),  # asctime(): no zone is UTC, wherever we are
        ("Thu, 23 Apr 2026 09:23:36 -0000", 30.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Thu, 01 Jan 0001 00:00:00 +2359", None),
        ("Thu, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_capped(
    value: str | None, seconds: float | None, elsewhere: None
) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine whose clock shows the time of Tokyo."""
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Reply(200), UploadVerdict(delivered=True)),
        (Reply(201, b'{"id": 1}'), UploadVerdict(delivered=True)),
        (Reply(413, b"too large"), UploadVerdict(refused="HTTP 413: too large")),
        (Reply(400), UploadVerdict(refused="HTTP 400")),
        (Reply(403), UploadVerdict(refused="HTTP 403")),
        (Reply(415), UploadVerdict(refused="HTTP 415")),
        (Reply(422), UploadVerdict(refused="HTTP 422")),
        (Reply(401), UploadVerdict(absent=True)),
        (Reply(300), UploadVerdict(absent=True)),
        (Reply(399), UploadVerdict(absent=True)),
        (Reply(404), UploadVerdict()),
        (Reply(500), UploadVerdict()),
        (Reply(429, b"", "7"), UploadVerdict(wait_s=7.0)),
        (NetworkFailure("reset"), UploadVerdict(absent=True)),
    ],
)
def test_upload_is_delivered_refused_or_tried_again(answer: Any, verdict: UploadVerdict) -> None:
    assert judge_upload(answer, NOW) == verdict
