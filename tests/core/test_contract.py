"""The contract as a platform states it: what it takes, and what it says to the rest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from argus.core import schema
from argus.core.contract import data_error, envelope_error

GOOD: dict[str, Any] = {
    "event_id": "550e8400-e29b-41d4-a716-446655440000",
    "schema_version": "1.1",
    "event_type": "job_epoch",
    "timestamp": "2026-04-23T09:23:06.123456Z",
    "batch_id": "bench-2026-04-23-abc123",
    "job_id": "etth1_dlinear",
    "source": {"project": "my-paper", "host": "node-12", "user": None, "commit": "a1b2c3d"},
    "data": {"epoch": 7, "train_loss": 0.32},
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"event_id": "550E8400-E29B-81D4-A716-446655440000"},
        {"timestamp": "2026-04-23T09:23:06Z"},
        {"timestamp": "2024-02-29T23:59:59.1Z"},
        {"batch_id": "b", "job_id": "j"},
        {"batch_id": "b" * 128},
        {"job_id": "j" * 256},
        {"source": {"project": ""}},
        {"event_type": "batch_done", "job_id": None},
        {"event_type": "log_line"},
        {"data": {}},
    ],
)
def test_good_envelope_has_no_error(change: dict[str, Any]) -> None:
    assert envelope_error({**GOOD, **change}) is None


def test_batch_event_may_leave_its_job_id_out() -> None:
    event = {**GOOD, "event_type": "batch_done"}
    del event["job_id"]

    assert envelope_error(event) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event_id": None}, "event_id"),
        ({"event_id": 5}, "event_id"),
        ({"event_id": "550e8400e29b41d4a716446655440000"}, "event_id"),
        ({"event_id": GOOD["event_id"] + "\n"}, "event_id"),
        ({"event_id": "g50e8400-e29b-41d4-a716-446655440000"}, "event_id"),
        ({"event_type": "heartbeat"}, "event_type"),
        ({"event_type": ["job_epoch"]}, "event_type"),
        ({"timestamp": 1.0}, "timestamp"),
        ({"timestamp": "2026-04-23T09:23:06"}, "timestamp"),
        ({"timestamp": "2026-04-23T09:23:06+00:00"}, "timestamp"),
        ({"timestamp": "2026-02-31T09:23:06Z"}, "timestamp"),
        ({"timestamp": "2026-04-23T24:00:00Z"}, "timestamp"),
        ({"timestamp": "2026-04-23T09:23:60Z"}, "timestamp"),
        ({"timestamp": "٢٠٢٦-04-23T09:23:06Z"}, "timestamp"),
        ({"batch_id": ""}, "batch_id"),
        ({"batch_id": "b" * 129}, "batch_id"),
        ({"batch_id": None}, "batch_id"),
        ({"job_id": None}, "job_id"),
        ({"job_id": ""}, "job_id"),
        ({"job_id": "j" * 257}, "job_id"),
        ({"job_id": 5}, "job_id"),
        ({"event_type": "batch_done"}, "job_id"),
        ({"event_type": "resource_snapshot", "job_id": ""}, "job_id"),
        ({"source": None}, "source"),
        ({"source": {}}, "source"),
        ({"source": {"project": None}}, "source"),
        ({"source": {"project": "p", "pid": "5"}}, "source"),
        ({"source": {"project": "p", "host": 5}}, "source"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"level": "info"}, "level"),
    ],
)
def test_bad_envelope_is_told_by_its_field(change: dict[str, Any], field: str) -> None:
    error = envelope_error({**GOOD, **change})

    assert error is not None
    assert error[0] == field
    assert error[1]


@pytest.mark.parametrize("field", sorted(GOOD.keys() - {"schema_version"}))
def test_missing_field_is_told(field: str) -> None:
    error = envelope_error({key: value for key, value in GOOD.items() if key != field})

    assert error is not None
    assert error[0] == field


@pytest.mark.parametrize("event", [None, [], "event", 5])
def test_what_is_no_object_is_no_event(event: object) -> None:
    assert envelope_error(event) == ("", "an event must be an object")


def test_version_of_the_schema_is_left_to_a_status_of_its_own() -> None:
    assert envelope_error({**GOOD, "schema_version": "9.9"}) is None


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("job_epoch", {"epoch": 7}),
        ("job_epoch", {"epoch": 0, "train_loss": None, "val_loss": "NaN", "lr": 1, "extra": [1]}),
        ("job_epoch", {"epoch": 2**1023 - 1, "train_loss": "-Infinity"}),
        ("batch_start", {}),
        ("batch_start", {"command": None, "n_total_jobs": 4, "experiment_type": ""}),
        ("job_done", {"status": "DONE", "elapsed_s": 1.5, "metrics": {}, "resources": {"a": []}}),
        ("env_snapshot", {"git_dirty": False, "pip_freeze": ["a==1"], "git_sha": "a1"}),
        ("resource_snapshot", {"gpu_util_pct": 0.5, "gpus": [{}], "host": "a"}),
        ("log_line", {"line": "a", "level": "info"}),
    ],
)
def test_good_data_has_no_error(event_type: str, data: dict[str, Any]) -> None:
    assert data_error(event_type, data) is None


@pytest.mark.parametrize(
    ("event_type", "data", "error"),
    [
        ("job_epoch", {}, "missing: epoch"),
        ("job_epoch", {"epoch": None}, "missing: epoch"),
        ("job_epoch", {"epoch": 1.5}, "wrong type: epoch must be integer"),
        ("job_epoch", {"epoch": True}, "wrong type: epoch must be integer"),
        ("job_epoch", {"epoch": "7"}, "wrong type: epoch must be integer"),
        ("job_epoch", {"epoch": 2**1023}, "wrong type: epoch must be integer"),
        ("job_epoch", {"epoch": 10**400}, "wrong type: epoch must be integer"),
        ("job_epoch", {"epoch": 1, "lr": [1]}, "wrong type: lr must be number"),
        ("job_epoch", {"epoch": 1, "lr": "low"}, "wrong type: lr must be number"),
        ("job_epoch", {"epoch": 1, "lr": 10**400}, "wrong type: lr must be number"),
        ("job_epoch", {"epoch": 1, "lr": math.nan}, "wrong type: lr must be number"),
        ("job_epoch", {"epoch": 1, "lr": False}, "wrong type: lr must be number"),
        ("batch_start", {"command": 5}, "wrong type: command must be text"),
        ("job_done", {"metrics": []}, "wrong type: metrics must be object"),
        ("env_snapshot", {"git_dirty": 1}, "wrong type: git_dirty must be boolean"),
        ("env_snapshot", {"pip_freeze": ["a", 1]}, "wrong type: pip_freeze must be texts"),
        ("env_snapshot", {"pip_freeze": "a"}, "wrong type: pip_freeze must be texts"),
    ],
)
def test_wrong_data_is_told_by_its_field(event_type: str, data: Any, error: str) -> None:
    assert data_error(event_type, data) == error


@pytest.mark.parametrize("event_type", sorted(schema.EVENT_TYPES))
def test_every_known_field_is_checked(event_type: str) -> None:
    good = {"epoch": 0} if event_type == "job_epoch" else {}

    errors = [data_error(event_type, {**good, n: object()}) for n in schema.FIELDS[event_type]]

    assert errors == [f"wrong type: {n} must be {k}" for n, k in schema.FIELDS[event_type].items()]
