"""What callbacks hold: the arguments without their token, and a batch that is open from hook to hook."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from argus.integrations.reporting import HeldRun, ReporterArguments
from tests.environment import clean_environment, platform, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform"]

TOKEN = "em_live_a-b_c"


def arguments(**more: Any) -> ReporterArguments:
    given = {"project": "demo", "experiment_type": "test", "batch_prefix": "test", **more}
    return ReporterArguments(**given)


def of_the_run(platform: StandIn) -> list[tuple[str, Any, dict[str, Any]]]:
    return shown([e for e in platform.events() if e["event_type"] != "env_snapshot"])


def test_a_run_is_open_until_it_is_closed(platform: StandIn):
    held = HeldRun(arguments())
    job = held.open("j1", model="net", config={"depth": 3})
    assert held.job is job
    job.epoch(0, train_loss=0.5)
    held.close()
    held.close()
    assert held.job is None
    assert not held.stopped
    assert of_the_run(platform) == [
        ("batch_start", None, {"experiment_type": "test", "n_total_jobs": 1}),
        ("job_start", "j1", {"model": "net"}),
        ("job_epoch", "j1", {"epoch": 0, "train_loss": 0.5}),
        ("job_done", "j1", {"status": "DONE", "train_epochs": 1, "metrics": {}}),
        ("batch_done", None, {"n_done": 1, "n_failed": 0}),
    ]


def test_what_is_still_open_when_another_begins_has_failed(platform: StandIn):
    held = HeldRun(arguments())
    held.open("j1")
    held.open("j2")
    held.close(ValueError("out of luck"))
    failed = [event for event in platform.events() if event["event_type"] == "job_failed"]
    assert [(event["job_id"], event["data"]["error"]) for event in failed] == [
        ("j1", "UnfinishedError: the training did not come to its end"),
        ("j2", "ValueError: out of luck"),
    ]
    assert len({event["batch_id"] for event in failed}) == 2


def test_the_stop_button_is_seen(platform: StandIn):
    held = HeldRun(arguments(stop_polling=0.05))
    held.open("j1")
    assert not held.stopped
    assert held.reporter is not None
    held.reporter.stop()
    assert held.stopped
    held.close()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_a_copy_holds_nothing_that_is_open(copied: Any, platform: StandIn):
    held = HeldRun(arguments())
    job = held.open("j1")
    other = copied(held)
    assert other.job is None
    other.close(ValueError())
    assert held.job is job
    other.open("j2")
    other.close()
    held.close()
    ends = [e["event_type"] for e in platform.events() if e["event_type"].startswith("job_done")]
    assert ends == ["job_done", "job_done"]


def test_no_token_is_in_a_pickle_or_in_what_a_person_sees():
    given = arguments(token=TOKEN, argus_url=f"http://me:{TOKEN}@127.0.0.1:1")
    held = HeldRun(given)
    for it in (given, held):
        assert TOKEN.encode() not in pickle.dumps(it)
        assert TOKEN not in repr(it)
    assert TOKEN not in repr(vars(held))
    assert repr(pickle.loads(pickle.dumps(given))) == repr(given)
    assert "http://127.0.0.1:1" in repr(given)


def test_a_copy_keeps_the_token_and_a_pickle_takes_that_of_its_process(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
):
    given = arguments(token=TOKEN)
    monkeypatch.setenv("ARGUS_TOKEN", "em_live_of-the-environment")
    for it in (copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        held = HeldRun(it)
        held.open("j1")
        held.close()
    sent = {request["headers"]["authorization"] for request in platform.requests("/api/events")}
    assert sent == {f"Bearer {TOKEN}", "Bearer em_live_of-the-environment"}


def test_the_daemons_are_off_unless_they_are_asked_for(platform: StandIn):
    reporter = arguments().reporter()
    assert vars(reporter)["_intervals"].heartbeat_s is None
    assert arguments(heartbeat=7).reporter()._intervals.heartbeat_s == 7
