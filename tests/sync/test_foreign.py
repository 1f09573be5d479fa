from __future__ import annotations

import json
from typing import Any

import pytest

from argus.core.contract import data_error, envelope_error
from argus.sync.foreign import NoEventError, derived_id, event_line, put_right
from tests.sync.runs import plain_event, story


def put(**changes: Any) -> dict[str, Any]:
    return put_right(json.dumps(plain_event(1, **changes)).encode(), at=0)


def test_a_line_of_our_own_is_sent_byte_for_byte():
    for line in story():
        assert event_line(line, 0) == (line, json.loads(line)["event_id"], 0)


def test_a_valid_event_of_another_reporter_keeps_all_that_it_says():
    event = put()
    assert {**event, "timestamp": "2026-04-23T09:23:06Z"} == plain_event(1)
    assert event["timestamp"] == "2026-04-23T09:23:06.000000Z"


def test_what_is_put_right_takes_the_place_of_its_line_in_the_file():
    data = json.dumps(plain_event(1)).encode()
    line = event_line(data, 0)
    assert line.size == len(data) + 1
    assert line.data != data
    assert event_line(line.data, 0) == (line.data, line.event_id, 0)


def test_a_bare_nan_becomes_what_the_contract_takes():
    event = json.loads(
        event_line(
            b"%b"
            % json.dumps(plain_event(1, data={"epoch": 1, "val_loss": float("nan")})).encode(),
            0,
        ).data
    )
    assert event["data"] == {"epoch": 1, "val_loss": "NaN"}
    assert data_error("job_epoch", event["data"]) is None


@pytest.mark.parametrize("given", [..., None, "", "7", 5])
def test_an_event_without_an_id_gets_the_same_one_each_time(given: Any):
    line = json.dumps(plain_event(1, event_id=given)).encode()
    first, again, elsewhere = put_right(line, 0), put_right(line, 0), put_right(line, 90)
    assert first["event_id"] == again["event_id"] != elsewhere["event_id"]
    assert envelope_error(first) is None


@pytest.mark.parametrize("version", [..., None, "1.0", "1.2", 1.1, "1"])
def test_a_version_of_this_schema_is_called_by_its_present_name(version: Any):
    assert put(schema_version=version)["schema_version"] == "1.1"


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2026-04-23T09:23:06Z", "2026-04-23T09:23:06.000000Z"),
        ("2026-04-23T09:23:06.5Z", "2026-04-23T09:23:06.500000Z"),
        ("2026-04-23T09:23:06.123456789Z", "2026-04-23T09:23:06.123456Z"),
        ("2026-04-23T11:23:06+02:00", "2026-04-23T09:23:06.000000Z"),
        ("2026-04-23 09:23:06", "2026-04-23T09:23:06.000000Z"),
        (1776936186.25, "2026-04-23T09:23:06.250000Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_times_are_told_in_utc(given: Any, utc: str):
    assert put(timestamp=given)["timestamp"] == utc


@pytest.mark.parametrize("given", [..., None, "", "soon", True, [], -1, float("nan"), 1e300])
def test_an_event_of_no_time_is_none(given: Any):
    with pytest.raises(NoEventError, match="is no time"):
        put(timestamp=given)


def test_a_batch_event_has_no_job():
    assert put(event_type="batch_start", data={})["job_id"] is None


def test_ids_may_be_numbers_and_too_long_ones_are_cut():
    event = put(batch_id=7, job_id="j" * 1_000)
    assert event["batch_id"] == "7"
    assert len(event["job_id"]) == 256


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (..., {"project": "default"}),
        ("p", {"project": "p"}),
        ({"host": "n", "gpu": 3, "user": None}, {"project": "default", "host": "n"}),
        ({"project": 5}, {"project": "5"}),
    ],
)
def test_a_source_holds_what_the_contract_knows(source: Any, expected: dict[str, str]):
    assert put(source=source)["source"] == expected


def test_what_stands_beside_the_data_goes_into_it():
    event = put(data=..., epoch=3, val_loss=0.5, ts=1)
    assert event["data"] == {"epoch": 3, "val_loss": 0.5}


def test_a_dead_letter_is_the_event_in_it():
    line = json.dumps({"reason": "HTTP 422", "event": plain_event(4)}).encode()
    assert put_right(line, 0)["data"] == {"epoch": 4}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_type": "heartbeat"}, "event_type"),
        ({"event_type": ["job_epoch"]}, "event_type"),
        ({"schema_version": "2.0"}, "schema_version"),
        ({"batch_id": None}, "batch_id"),
        ({"job_id": None}, "job_id"),
        ({"data": [1]}, "data"),
    ],
)
def test_what_cannot_be_put_right_says_why(changes: dict[str, Any], reason: str):
    with pytest.raises(NoEventError, match=reason):
        put(**changes)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b"\0" * 9])
def test_what_is_no_event_is_never_sent(line: bytes):
    assert event_line(line, 0) == (line, None, 0)


def test_facts_are_not_confused_with_their_neighbours():
    assert derived_id("ab", "c") != derived_id("a", "bc")
    assert derived_id("ab", "c") == derived_id("ab", b"c")
