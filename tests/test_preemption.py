"""A run whose machine is wanted back, as its training and its platform see it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

import pytest

from argus import Reporter
from argus.delivery import sender
from argus.launch.signals import Handler
from tests.chaos import trainings
from tests.environment import clean_environment, platform, quiet, said, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

WHY = {"error": "preempted by SIGTERM", "reason": "preempted", "preempted": True}
ANNOUNCED = {
    "line": "SIGTERM: the machine is wanted back, the run is being preempted",
    "level": "warning",
    "preempting": True,
    "signal": "SIGTERM",
}


@pytest.fixture(autouse=True)
def _ignored(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whoever sends it to this process does not end the tests."""
    for name in ("SLURM_JOB_ID", "SUBMITIT_EXECUTOR"):
        monkeypatch.delenv(name, raising=False)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    signal.signal(signal.SIGTERM, before)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def is_watched() -> bool:
    return isinstance(signal.getsignal(signal.SIGTERM), Handler)


@pytest.mark.parametrize(
    ("environ", "signals", "expected"),
    [
        ({}, None, False),
        ({}, True, True),
        ({"SLURM_JOB_ID": "7"}, None, True),
        ({"SLURM_JOB_ID": "7"}, False, False),
        ({"SUBMITIT_EXECUTOR": "local"}, None, True),
    ],
)
def test_who_watches(
    environ: dict[str, str],
    signals: bool | None,
    expected: bool,
    platform: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with quiet(signals=signals):
        assert is_watched() is expected


@pytest.mark.parametrize("signals", [None, True])
def test_where_nothing_is_reported_only_who_asks_is_told(
    signals: bool | None, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with Reporter(signals=signals) as r:
        terminate()
        assert r.preempted is (signals is True)
    assert said == []


def test_a_training_that_saves_itself_and_leaves_is_preempted(
    platform: StandIn, said: list[str]
) -> None:
    with quiet(signals=True) as r, r.job("j") as j:
        for epoch in range(9):
            j.epoch(epoch)
            if r.preempted:
                break
            terminate()
        assert not r.stopped

    events = shown(platform.events())
    assert events.count(("log_line", "j", ANNOUNCED)) == 1
    assert [event for event in events if event[0] != "log_line"] == [
        ("batch_start", None, {}),
        ("job_start", "j", {}),
        ("job_epoch", "j", {"epoch": 0}),
        ("job_epoch", "j", {"epoch": 1}),
        ("job_done", "j", {"status": "DONE", "train_epochs": 2, "metrics": {}, "preempted": True}),
        ("batch_failed", None, {"n_done": 1, "n_failed": 0, **WHY}),
    ]
    assert said == []


def test_what_the_handler_of_the_user_raises_is_no_failure(platform: StandIn) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with pytest.raises(SystemExit), quiet(signals=True) as r, r.job("j"):
        terminate()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    why = {**WHY, "error": "preempted by SIGTERM (SystemExit: 143)"}
    assert shown(platform.events("job_failed") + platform.events("batch_failed")) == [
        ("job_failed", "j", {"status": "FAILED", **why}),
        ("batch_failed", None, {"n_done": 0, "n_failed": 1, **why, "exit_code": 143}),
    ]


def test_reporters_within_each_other_are_both_told(platform: StandIn) -> None:
    with quiet(batch_id="outer", signals=True) as outer:
        with quiet(batch_id="inner", signals=True) as inner:
            terminate()
        assert (outer.preempted, inner.preempted) == (True, True)
        assert is_watched()
    failed = platform.events("batch_failed")
    assert [event["batch_id"] for event in failed] == ["inner", "outer"]


def test_it_goes_ahead_of_a_backlog_by_itself(platform: StandIn) -> None:
    def alone(peer: StandIn) -> int:
        return [request["events"] for request in peer.requests("/api/events")].count(1)

    with quiet(batch_id="b", signals=True) as r, r.job("j") as j:
        platform.wait_for(2)
        before = alone(platform)
        platform.mode("status:503")
        for epoch in range(3_000):
            j.epoch(epoch)
        platform.wait_for(lambda peer: peer.stats()["statuses"].get("503"))
        terminate()
        platform.wait_for(lambda peer: alone(peer) > before)
        platform.mode("ok")
    assert len(platform.events("job_epoch")) == 3_000
    assert shown(platform.events("log_line")) == [("log_line", "j", ANNOUNCED)]


def test_it_does_not_wait_for_an_answer_that_does_not_come(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PREEMPTED_S", 0.1)
    with quiet(batch_id="b", signals=True) as r, r.job("j") as j:
        platform.wait_for(2)
        platform.mode("hang", times=1)
        r.emit("job_start", job_id="another")  # which is sent at once
        platform.wait_for(lambda peer: [q for q in peer.requests("events") if q["mode"] == "hang"])
        terminate()
        platform.wait_for(lambda peer: peer.events("log_line"))
        j.epoch(0)
    assert len(platform.events("job_start")) == 2
    assert shown(platform.events("log_line")) == [("log_line", "j", ANNOUNCED)]


TRAINING = """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
with quiet(signals=True) as r, r.job("j") as j:
    j.epoch(0)
    print("training", flush=True)
    pause(60)
"""


def test_by_default_the_process_dies_of_the_signal_and_all_is_delivered(platform: StandIn) -> None:
    training = trainings.start(TRAINING, platform.url)
    assert training.stdout is not None
    assert training.stdout.readline() == "training\n"
    training.terminate()
    ended = trainings.end(training)

    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, "")
    events = shown(platform.events())
    assert ("log_line", "j", ANNOUNCED) in events[1:4]
    assert events[4:] == [
        ("job_failed", "j", {"status": "FAILED", **WHY}),
        ("batch_failed", None, {"n_done": 0, "n_failed": 1, **WHY}),
    ]


def test_a_platform_that_hangs_holds_the_death_up_for_no_longer_than_an_exit(
    platform: StandIn,
) -> None:
    training = trainings.start(TRAINING, platform.url, ARGUS_EXIT_TIMEOUT="0.5")
    assert training.stdout is not None
    training.stdout.readline()
    platform.wait_for(3)
    platform.mode("hang")
    training.terminate()
    training.send_signal(signal.SIGTERM)  # again: it is dying already
    ended = trainings.end(training)

    assert ended.returncode == -signal.SIGTERM
    assert ended.seconds < 20
    platform.mode("ok")
    trainings.deliver_what_is_left(platform)
    assert trainings.types(platform)[2:] == ["log_line", "job_failed", "batch_failed"]
    assert trainings.epochs(platform) == {"j": [0]}


def test_it_is_asked_for_in_another_thread_in_vain(platform: StandIn, said: list[str]) -> None:
    def other() -> None:
        with quiet(signals=True):
            pass

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert said == ["signals can only be noticed where the Reporter is opened in the main thread"]
