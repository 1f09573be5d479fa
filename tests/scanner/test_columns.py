import json
from typing import Any

from argus.scanner.columns import Columns
from tests.server.events import event


def columns_of(*events):
    columns = Columns()
    columns.add(events)
    return json.loads(json.dumps(columns.document(), allow_nan=False))


def test_each_number_of_an_epoch_is_a_point():
    document = columns_of(
        event("job_epoch", data={"epoch": 0, "loss": 0.5, "note": "x", "ok": True}),
        event(
            "job_epoch", data={"epoch": 1, "loss": 2, "acc": 0.9}, timestamp="2026-04-23T09:23:07Z"
        ),
    )
    acc, loss = sorted(document["series"], key=lambda series: series["name"])
    assert loss == {
        "job": "job-1",
        "name": "loss",
        "epoch": [0, 1],
        "time": [1776936186.123456, 1776936187.0],
        "value": [0.5, 2.0],
    }
    assert (acc["epoch"], acc["value"]) == ([1], [0.9])
    [job] = document["jobs"]
    assert (job["state"], job["epochs"]) == ("running", 2)


def test_numbers_that_are_not_finite_travel_as_the_strings_of_the_contract():
    events = [
        event("job_epoch", data={"epoch": number, "loss": value})
        for number, value in enumerate(["NaN", float("inf"), 1, "-Infinity", "odd"])
    ]
    [series] = columns_of(*events)["series"]
    assert series["value"] == ["NaN", "Infinity", 1.0, "-Infinity"]


def test_jobs_tell_what_became_of_them():
    document = columns_of(
        event("job_start", job_id="a", data={"model": "tst", "optuna": {"trial_number": 3}}),
        event("job_done", job_id="a", data={"elapsed_s": 3.5, "metrics": {"MSE": "NaN", "x": []}}),
        event("job_start", job_id="b"),
        event("job_failed", job_id="b", data={"error": "ValueError: no"}),
    )
    a, b = document["jobs"]
    assert (a["state"], a["model"], a["metrics"]) == ("done", "tst", {"MSE": "NaN"})
    assert a["extra"] == {"optuna": {"trial_number": 3}}
    assert (b["state"], b["error"]) == ("failed", "ValueError: no")
    assert document["events"] == {"job_start": 2, "job_done": 1, "job_failed": 1}


def test_batch_tells_why_it_failed_until_an_attempt_begins_anew():
    begun = event("batch_start", job_id=None)
    failed = event("batch_failed", job_id=None, data={"error": "KeyError: 'etth9'", "reason": "x"})
    assert columns_of(begun, failed)["failure"] == "KeyError: 'etth9'"
    assert columns_of(event("batch_failed", job_id=None, data={"reason": "x"}))["failure"] == "x"
    assert columns_of(failed, begun)["failure"] is None
    assert "failure" not in columns_of(event("job_epoch", data={"epoch": 0}))


def test_resources_are_told_by_host_and_gpu():
    gpus = [{"index": 4, "util_pct": 50}, {"util_pct": 60}, "odd"]
    document = columns_of(
        event("resource_snapshot", job_id=None, data={"pid": 7, "cpu_util_pct": 9, "gpus": gpus}),
        event("env_snapshot", job_id=None, data={"git_sha": "a", "odd": float("nan")}),
        event("env_snapshot", job_id=None, data={"git_sha": "b"}),
    )
    told = {
        (each["host"], each["gpu"], each["name"]): each["value"] for each in document["resources"]
    }
    assert told == {
        ("node-12", None, "cpu_util_pct"): [9.0],
        ("node-12", 4, "util_pct"): [50.0],
        ("node-12", 1, "util_pct"): [60.0],
    }
    assert document["environment"] == {"git_sha": "a", "odd": "NaN"}


def test_hostile_names_have_an_end(monkeypatch):
    monkeypatch.setattr("argus.scanner.columns.MAX_SERIES", 5)
    events = [event("job_epoch", data={"epoch": 10**30, f"m{n}": n}) for n in range(50)]
    document = columns_of(*events)
    assert len(document["series"]) == 5
    assert document["series"][0]["epoch"] == [None]


def test_values_of_any_type_are_strict_json_of_the_right_types():
    nan = float("nan")
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    [job] = columns_of(
        event("job_start", data={"model": nan, "dataset": [1], "x": {"y": nan}, "deep": 1}),
        event("job_epoch", data={"epoch": nan, "loss": 10**400}),
        event("job_failed", data={"error": nan, "elapsed_s": "long", "metrics": [1]}),
        event("env_snapshot", job_id=None, data={"deep": deep}),
    )["jobs"]
    assert (job["model"], job["dataset"], job["error"]) == (None, None, None)
    assert (job["elapsed_s"], job["metrics"]) == (None, {})
    assert job["extra"] == {"x": {"y": "NaN"}, "deep": 1}


def test_job_that_starts_again_has_not_ended():
    events = [event(kind) for kind in ("job_start", "job_failed", "job_start")]
    [job] = columns_of(*events)["jobs"]
    assert (job["state"], job["ended_at"], job["error"]) == ("running", None, None)


def test_every_number_of_an_epoch_is_a_series_however_many():
    data = {"epoch": 0, **{f"m{number}": number / 7 for number in range(1_000)}}
    assert len(columns_of(event("job_epoch", data=data))["series"]) == 1_000
    [job] = columns_of(event("job_done", data={"metrics": data}))["jobs"]
    assert len(job["metrics"]) == 1_000
