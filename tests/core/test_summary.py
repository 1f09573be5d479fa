import json

import pytest

from argus.core.summary import MAX_JOBS, MAX_NUMBERS, Summary, numbers
from tests.server.events import event

NIGHT = (
    event("batch_start", data={"n_total_jobs": 3, "command": "train"}),
    event("job_start", job_id="a", data={"model": "tst", "dataset": "etth1"}),
    event("job_epoch", job_id="a", data={"epoch": 0, "train_loss": 0.5, "note": "x"}),
    event("job_epoch", job_id="a", data={"epoch": 1, "train_loss": "NaN"}),
    event("job_start", job_id="b"),
    event("log_line", job_id="b", data={"line": "hm"}),
    event("job_done", job_id="a", data={"metrics": {"MSE": 0.2}}),
    event("job_failed", job_id="b", data={"error": "ValueError: no", "metrics": {}}),
    event("job_start", job_id="b"),
    event("batch_failed"),
)


def summed(*events):
    summary = Summary()
    for each in events:
        summary.add(each)
    return summary


def test_values_of_any_type_leave_the_right_types_and_nothing_large():
    document = summed(
        event("batch_start", data={"n_total_jobs": "x", "command": [1], "experiment_type": 5}),
        event("job_epoch", data={"epoch": 1e308, "loss": 0.5, "text": "x" * 10**6}),
        event("job_epoch", data={"epoch": [1], "loss": 0.5, "more": ["x"] * 10**5}),
        event("job_done", data={"metrics": [1]}),
    ).document()
    assert (document["n_total_jobs"], document["command"]) == (None, None)
    assert document["experiment_type"] is None
    assert document["jobs"][0]["epoch"] is None
    assert len(json.dumps(document)) < 2_000


def test_of_a_sidecar_with_too_many_jobs_the_last_are_taken_up():
    jobs = [{"job_id": str(number), "state": "done"} for number in range(5_000)]
    assert list(Summary.resumed({"jobs": jobs}).jobs()) == [str(n) for n in range(4_900, 5_000)]


def test_whole_batch_is_summed_up():
    document = summed(*NIGHT).document()
    assert {key: document[key] for key in ("status", "n_jobs", "n_done", "n_failed")} == {
        "status": "failed",
        "n_jobs": 2,
        "n_done": 1,
        "n_failed": 0,
    }
    assert (document["last"], document["metrics"]) == ({"train_loss": "NaN"}, {"MSE": 0.2})
    a, b = sorted(document["jobs"], key=lambda job: job["job_id"])
    assert (a["state"], a["model"], a["epoch"]) == ("done", "tst", 1)
    assert (b["state"], b["error"]) == ("running", None)


@pytest.mark.parametrize("at", range(len(NIGHT) + 1))
def test_reader_that_takes_up_a_document_comes_to_the_same_sum(at):
    document = json.loads(json.dumps(summed(*NIGHT[:at]).document()))
    resumed = Summary.resumed(document)
    for each in NIGHT[at:]:
        resumed.add(each)
    assert resumed.document() == summed(*NIGHT).document()


def test_many_jobs_are_counted_and_the_recent_ones_known():
    summary = summed(event("job_start", job_id="long"))
    for number in range(1_000):
        summary.add(event("job_done", job_id=f"j{number}", data={"metrics": {"n": number}}))
    document = summary.document()
    assert (document["n_jobs"], document["n_done"]) == (1_001, 1_000)
    ids = [job["job_id"] for job in document["jobs"]]
    assert len(ids) == MAX_JOBS
    assert (ids[0], ids[-1]) == (
        "long",
        "j999",
    )  # one that runs is not forgotten for one that ended


@pytest.mark.parametrize(
    "broken",
    [
        {"n_events": -1, "jobs": {}, "status": 3, "n_done": True},
        {"jobs": [None, {"job_id": 1}, {"job_id": "a", "state": "odd"}], "n_total_jobs": "3"},
        {"jobs": [{"job_id": "a", "state": "done", "epoch": "1", "last": [], "model": {}}]},
    ],
)
def test_broken_document_counts_as_what_is_left_of_it(broken):
    document = Summary.resumed(broken).document()
    assert (document["status"], document["n_events"], document["last"]) == ("running", 0, {})


def test_only_numbers_are_shown_and_not_without_end():
    data = {"epoch": 1, "a": True, "b": "x", "c": float("inf"), "d": 10**400, "e": None, "f": 2}
    assert numbers(data) == {"c": "Infinity", "f": 2}
    assert len(numbers({f"m{number}": number for number in range(1_000)})) == MAX_NUMBERS
    assert numbers(["no"]) == {}


def test_hyperparameters_are_those_of_the_first_snapshot_also_after_a_restart():
    first = event(
        "env_snapshot", data={"config": {"lr": 0.1, "name": "x" * 999, "z": float("nan")}}
    )
    document = json.loads(json.dumps(summed(first).document()))
    resumed = Summary.resumed(document)
    resumed.add(event("env_snapshot", data={"config": {"lr": 0.2}}))
    told = {"lr": 0.1, "name": "x" * 300, "z": "NaN"}
    assert (document["config"], resumed.document()["config"]) == (told, told)
