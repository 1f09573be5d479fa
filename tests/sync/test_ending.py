from __future__ import annotations

import json
from typing import Any

from argus.core.contract import data_error, envelope_error
from argus.sync.ending import Story, last_words
from tests.sync.runs import story

_DESCRIBED = {"host": "node-1", "pid": 7, "batch_id": "b"}


def told(lines: list[bytes], described: dict[str, Any] | None = None) -> Story:
    course = Story()
    course.read(lines)
    course.recall(described or {})
    return course


def words(
    lines: list[bytes],
    described: dict[str, Any] | None = None,
    heartbeat_at: float | None = 1_777_000_090.0,
    attempt_is_last: bool = True,
) -> list[dict[str, Any]]:
    described = {**_DESCRIBED, **(described or {})}
    found = last_words(told(lines, described), described, heartbeat_at, attempt_is_last)
    return [json.loads(line) for line in found]


def test_a_run_that_was_cut_off_is_told_to_have_failed_with_what_is_known():
    job, batch = words(story(ends=False))
    assert (job["event_type"], job["job_id"]) == ("job_failed", "j")
    assert (batch["event_type"], batch["job_id"]) == ("batch_failed", None)
    for event in (job, batch):
        assert envelope_error(event) is None
        assert data_error(event["event_type"], event["data"]) is None
        assert event["timestamp"] == "2026-04-24T03:08:10Z"  # its last heartbeat
        known = event["data"]
        assert (known["reason"], known["exit"]) == ("crashed", "unknown")
        assert (known["host"], known["pid"]) == ("node-1", 7)
        assert known["last_event"] == "job_epoch"
        assert known["last_event_at"] == "2026-04-24T03:06:44.000000Z"
        assert "process 7 on node-1 ended without a word" in known["error"]
    assert (batch["data"]["n_done"], batch["data"]["n_failed"]) == (0, 1)
    assert (batch["data"]["total_elapsed_s"], job["data"]["elapsed_s"]) == (90.0, 89.0)


def test_two_who_tell_the_end_of_a_run_tell_one():
    lines = story(ends=False)
    assert words(lines) == words(lines)
    assert words(lines)[0]["event_id"] != words(lines)[1]["event_id"]
    assert words(story(ends=False))[0]["event_id"] != words(lines)[0]["event_id"]


def test_the_last_thing_that_it_said_itself_is_told():
    log, beat = story(epochs=1)[2], story(epochs=1)[2]
    log = log.replace(b"job_epoch", b"log_line").replace(b'{"epoch":0}', b'{"line":"out of tune"}')
    beat = beat.replace(b"job_epoch", b"log_line").replace(b'{"epoch":0}', b'{"line":"heartbeat"}')
    assert words([*story(ends=False), log])[0]["data"]["last_log_line"] == "out of tune"
    assert "last_log_line" not in words([*story(ends=False), beat])[0]["data"]


def test_without_a_heartbeat_the_last_event_is_the_last_sign_of_life():
    assert words(story(ends=False), heartbeat_at=None)[1]["timestamp"] == (
        "2026-04-24T03:06:44.000000Z"
    )


def test_a_run_that_has_ended_needs_no_words():
    assert words(story()) == []


def test_a_run_that_went_on_after_its_end_has_not_ended():
    again = story(ends=False)[:1]
    assert [each["event_type"] for each in words([*story(), *again])] == ["batch_failed"]


def test_an_attempt_that_was_followed_by_another_has_no_say():
    assert words(story(ends=False), attempt_is_last=False) == []


def test_who_joined_a_batch_ends_its_own_jobs_and_not_the_batch():
    joined = story(ends=False)[1:]
    assert [each["event_type"] for each in words(joined)] == ["job_failed"]
    assert words(joined[1:]) == []  # nor a job that somebody else has begun


def test_of_a_file_that_has_lost_its_beginning_the_sidecar_knows_it():
    described = {
        "is_started": True,
        "started_at": "2026-04-24T03:06:40.000000Z",
        "jobs": [{"job_id": "j", "state": "running"}, {"job_id": "k", "state": "done"}, None],
    }
    job, batch = words(story(ends=False)[3:], described)
    assert (job["job_id"], batch["event_type"]) == ("j", "batch_failed")
    assert batch["data"]["total_elapsed_s"] == 90.0
    ended = story()[2:-1]  # the job's end is in the file, its beginning is not
    assert [each["event_type"] for each in words(ended, described)] == ["batch_failed"]


def test_a_file_that_tells_nothing_gets_no_words():
    assert words([]) == words([b"x", b"{}"]) == []
