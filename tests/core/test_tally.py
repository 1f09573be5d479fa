import pytest

from argus.core.tally import Tally
from tests.server.events import event


def tally_of(*events):
    tally = Tally({})
    for each in events:
        tally.add(each)
    return tally


def test_an_empty_tally_knows_nothing():
    assert Tally({}).counts() == {"n_events": 0, "n_jobs": 0, "n_done": 0, "n_failed": 0}
    assert Tally({}).facts()["project"] is None


def test_a_whole_batch_adds_up():
    tally = tally_of(
        event("batch_start", data={"n_total_jobs": 3, "command": "train", "experiment_type": "x"}),
        event("job_start", job_id="a"),
        event("job_epoch", job_id="b"),
        event("job_done", job_id="a"),
        event("job_failed", job_id="b"),
        event("job_start", job_id="c"),
        event("batch_done", timestamp="2026-04-24T00:00:00Z"),
    )
    assert tally.counts() == {"n_events": 7, "n_jobs": 3, "n_done": 1, "n_failed": 1}
    assert tally.facts() == {
        "project": "paper",
        "host": "node-12",
        "status": "done",
        "started_at": "2026-04-23T09:23:06.123456Z",
        "finished_at": "2026-04-24T00:00:00Z",
        "experiment_type": "x",
        "command": "train",
        "n_total_jobs": 3,
    }


def test_a_second_batch_start_revives_a_failed_batch_and_keeps_the_first_start():
    tally = tally_of(
        event("batch_start", data={"n_total_jobs": 3, "command": "first"}),
        event("batch_failed"),
        event("batch_start", timestamp="2026-05-01T00:00:00Z", data={"command": "second"}),
    )
    facts = tally.facts()
    assert (facts["status"], facts["finished_at"]) == ("running", None)
    assert facts["started_at"] == "2026-04-23T09:23:06.123456Z"
    assert (facts["command"], facts["n_total_jobs"]) == ("second", 3)


def test_a_second_batch_start_does_not_revive_a_done_batch():
    tally = tally_of(event("batch_start"), event("batch_done"), event("batch_start"))
    assert tally.status == "done"


def test_a_heartbeat_makes_no_job():
    tally = tally_of(event("log_line", job_id="bench-1"))
    assert (tally.job_status("bench-1"), tally.counts()["n_jobs"]) == (None, 0)


def test_a_job_that_starts_again_runs_again():
    tally = tally_of(event("job_start"), event("job_failed"), event("job_start"))
    assert tally.job_status("job-1") == "running"
    assert tally.counts() == {"n_events": 3, "n_jobs": 1, "n_done": 0, "n_failed": 0}


def test_many_jobs_are_counted_as_few_are():
    ids = [f"job-{n}" for n in range(600)]
    tally = tally_of(
        *(event("job_start", job_id=each) for each in ids),
        *(event("job_done", job_id=each) for each in reversed(ids)),
    )
    assert tally.counts() == {"n_events": 1200, "n_jobs": 600, "n_done": 600, "n_failed": 0}


@pytest.mark.parametrize("ended", ["batch_done", "batch_failed"])
@pytest.mark.parametrize("work", ["job_start", "job_epoch"])
def test_work_after_the_end_revives_a_batch_and_what_only_arrives_late_does_not(ended, work):
    end = event(ended, timestamp="2026-04-24T00:00:00.5Z")
    late = event(work, job_id="a", timestamp="2026-04-24T00:00:00.4Z")
    after = event(work, job_id="a", timestamp="2026-04-24T00:00:01.0Z")
    assert tally_of(end, late).facts()["status"] == ended.partition("_")[2]
    assert tally_of(end, late, after).facts()["status"] == "running"
    assert tally_of(end, after).facts()["finished_at"] is None
