"""The table of the contract is what the protocol says it is, and agrees with itself."""

from __future__ import annotations

from argus.core import schema


def test_event_types_are_the_ten_of_the_protocol() -> None:
    assert sorted(schema.EVENT_TYPES) == [
        "batch_done",
        "batch_failed",
        "batch_start",
        "env_snapshot",
        "job_done",
        "job_epoch",
        "job_failed",
        "job_start",
        "log_line",
        "resource_snapshot",
    ]


def test_events_of_a_job_are_the_job_types_and_log_lines() -> None:
    jobs = {name for name in schema.EVENT_TYPES if name.startswith("job_")}

    assert jobs | {"log_line"} == schema.JOB_EVENTS


def test_lifecycle_is_what_begins_and_ends_something() -> None:
    endings = ("_start", "_done", "_failed")

    assert {name for name in schema.EVENT_TYPES if name.endswith(endings)} == schema.LIFECYCLE


def test_required_fields_are_known_fields() -> None:
    assert all(names <= schema.FIELDS[event].keys() for event, names in schema.REQUIRED.items())
    assert "epoch" in schema.REQUIRED["job_epoch"]


def test_no_known_field_has_a_reserved_name() -> None:
    assert not any(schema.RESERVED_KEYS & fields.keys() for fields in schema.FIELDS.values())
