"""A batch from its first event to its last, as a platform has it in the end."""

from __future__ import annotations

import gc
import re
import sys
import weakref
from datetime import datetime, timezone
from typing import Any

import pytest

from argus import Reporter
from argus.core import contract
from tests.environment import clean_environment, platform, quiet, said, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def test_a_run_arrives_whole_and_in_order(platform: StandIn, said: list[str]) -> None:
    before = datetime.now(timezone.utc)
    with (
        quiet("my-run", experiment_type="forecast", source_project="demo", n_total=2) as r,
        r.job("j1", model="patchtst", dataset="etth1") as j,
    ):
        for epoch in range(2):
            j.epoch(epoch, train_loss=0.5, val_loss=0.6)
            assert not j.stopped
        j.metrics({"MSE": 0.21})

    events = platform.events()
    assert shown(events) == [
        ("batch_start", None, {"experiment_type": "forecast", "n_total_jobs": 2}),
        ("job_start", "j1", {"model": "patchtst", "dataset": "etth1"}),
        ("job_epoch", "j1", {"epoch": 0, "train_loss": 0.5, "val_loss": 0.6}),
        ("job_epoch", "j1", {"epoch": 1, "train_loss": 0.5, "val_loss": 0.6}),
        ("job_done", "j1", {"status": "DONE", "train_epochs": 2, "metrics": {"MSE": 0.21}}),
        ("batch_done", None, {"n_done": 1, "n_failed": 0}),
    ]
    assert {event["batch_id"] for event in events} == {r.batch_id}
    assert {event["source"]["project"] for event in events} == {"demo"}
    assert len({event["event_id"] for event in events}) == len(events)
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    first = datetime.strptime(times[0], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert abs((first - before).total_seconds()) < 10
    assert 0 <= events[4]["data"]["elapsed_s"] <= events[5]["data"]["total_elapsed_s"] < 60
    assert not any(map(contract.envelope_error, events))
    assert said == []


def test_nothing_said_means_the_defaults(platform: StandIn, said: list[str]) -> None:
    with quiet() as r:
        pass

    start, done = platform.events()
    assert re.fullmatch(r"batch-[0-9a-f]{12}", r.batch_id)
    assert start["source"]["project"] == "default"
    assert start["data"].keys() == {"command"}
    assert done["data"].keys() == {"n_done", "n_failed", "total_elapsed_s"}
    assert said == []


def test_command_is_that_of_the_process_without_its_secrets(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["python", "train.py", "--lr", "0.1", "--api-key", "hunter2", "--hf_token=hunter3"]
    monkeypatch.setattr(sys, "orig_argv", argv, raising=False)
    with quiet():
        pass

    command = platform.events("batch_start")[0]["data"]["command"]
    assert command == "python train.py --lr 0.1 --api-key *** --hf_token=***"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("torchrun train.py --token em_live_x", "torchrun train.py --token ***"),
        (["train.py", "--password", "a b"], "train.py --password ***"),
        ("", ""),
    ],
)
def test_command_as_given_without_its_secrets(platform: StandIn, given: Any, expected: str) -> None:
    with quiet(command=given):
        pass

    assert platform.events("batch_start")[0]["data"]["command"] == expected


# Ids


def test_batch_ids(platform: StandIn, said: list[str]) -> None:
    assert re.fullmatch(r"sweep-[0-9a-f]{12}", Reporter("sweep").batch_id)
    assert Reporter().batch_id != Reporter().batch_id
    assert Reporter(batch_id="mine").batch_id == "mine"
    assert Reporter(resume_from="earlier").batch_id == "earlier"
    assert Reporter(batch_id="mine", resume_from="earlier").batch_id == "mine"
    assert Reporter(batch_id="", resume_from="earlier").batch_id == "earlier"
    assert Reporter("sweep", batch_id="").batch_id.startswith("sweep-")
    long = Reporter(batch_id="x" * 500).batch_id
    assert len(long) == 128
    assert long != Reporter(batch_id="x" * 501).batch_id
    assert said == []


def test_own_id_begins_and_ends_its_batch(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_BATCH_ID", "launcher")
    with quiet(batch_id="mine"):
        pass
    with quiet(resume_from="earlier"):
        pass

    assert [(e["event_type"], e["batch_id"]) for e in platform.events()] == [
        ("batch_start", "mine"),
        ("batch_done", "mine"),
        ("batch_start", "earlier"),
        ("batch_done", "earlier"),
    ]


@pytest.mark.parametrize("own", [{}, {"batch_id": ""}, {"resume_from": None}])
def test_joined_batch_is_neither_begun_nor_ended(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any]
) -> None:
    monkeypatch.setenv("ARGUS_BATCH_ID", "launcher")
    with pytest.raises(RuntimeError), quiet("ignored", **own) as r, r.job("rank-1") as j:
        j.epoch(0)
        raise RuntimeError("out of memory")

    assert r.batch_id == "launcher"
    assert [(e["event_type"], e["batch_id"]) for e in platform.events()] == [
        ("job_start", "launcher"),
        ("job_epoch", "launcher"),
        ("job_failed", "launcher"),
    ]


# How a block ends


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


class _Sly:
    """Equals everything, or refuses to say."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("exc", "error", "reason", "code"),
    [
        (ValueError("bad lr"), "ValueError: bad lr", "ValueError", 1),
        (RuntimeError(), "RuntimeError", "RuntimeError", 1),
        (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt", 130),
        (SystemExit(3), "SystemExit: 3", "SystemExit", 3),
        (SystemExit("no data"), "SystemExit: no data", "SystemExit", 1),
        (SystemExit(True), "SystemExit: True", "SystemExit", 1),
        (GeneratorExit(), "GeneratorExit", "GeneratorExit", 1),
        (
            _UnprintableError(),
            "_UnprintableError: <_UnprintableError: SystemExit>",
            "_UnprintableError",
            1,
        ),
    ],
    ids=repr,
)
def test_failure_is_told_and_goes_on_its_way(
    platform: StandIn, exc: BaseException, error: str, reason: str, code: int
) -> None:
    with pytest.raises(type(exc)) as caught, quiet() as r, r.job("j") as j:
        j.metrics({"MSE": 1})
        raise exc

    assert caught.value is exc
    assert exc.__context__ is None
    assert shown(platform.events())[2:] == [
        (
            "job_failed",
            "j",
            {"status": "FAILED", "error": error, "reason": reason, "metrics": {"MSE": 1}},
        ),
        (
            "batch_failed",
            None,
            {"n_done": 0, "n_failed": 1, "error": error, "reason": reason, "exit_code": code},
        ),
    ]


@pytest.mark.parametrize("code", [0, None, False])
def test_sys_exit_without_an_error_is_no_failure(platform: StandIn, code: Any) -> None:
    with pytest.raises(SystemExit), quiet() as r, r.job("j"):
        sys.exit(code)

    assert [event["event_type"] for event in platform.events()][2:] == ["job_done", "batch_done"]


def test_exit_code_is_not_asked_what_it_equals(platform: StandIn) -> None:
    with pytest.raises(SystemExit), quiet() as r, r.job("j"):
        sys.exit(_Sly())  # type: ignore[arg-type]

    assert [e["event_type"] for e in platform.events()][2:] == ["job_failed", "batch_failed"]


def test_job_that_fails_alone_does_not_fail_its_batch(platform: StandIn) -> None:
    with quiet() as r:
        for name in ("good", "bad"):
            try:
                with r.job(name):
                    if name == "bad":
                        raise ValueError(name)
            except ValueError:
                pass

    assert shown(platform.events("batch_done")) == [
        ("batch_done", None, {"n_done": 1, "n_failed": 1})
    ]


def test_exception_is_not_kept_alive(platform: StandIn) -> None:
    with quiet() as r, r.job("j") as j:
        try:
            with r.job("inner"):
                raise _UnprintableError("its frames hold every tensor of the training")
        except _UnprintableError as error:
            alive = weakref.ref(error)
        j.log("failed")
        gc.collect()
        assert alive() is None


def test_what_is_reported_outside_the_block_goes_nowhere(platform: StandIn) -> None:
    r = quiet()
    job = r.job("early")
    job.epoch(0)
    r.emit("too early")
    assert platform.stats()["requests"] == 0
    with r:
        pass
    r.emit("too late")
    job.log("too late")
    with job:
        job.epoch(1)
    assert job.upload("nothing.png") == 0

    assert [event["event_type"] for event in platform.events()] == ["batch_start", "batch_done"]


def test_stop_is_for_good_and_jobs_follow(platform: StandIn) -> None:
    r = quiet()
    j = r.job("j")
    assert (r.stopped, j.stopped) == (False, False)
    r.stop()
    r.stop()
    with r, j:
        assert (r.stopped, j.stopped) == (True, True)
    assert (r.stopped, j.stopped) == (True, True)


def test_repr_names_the_batch() -> None:
    assert repr(Reporter(batch_id="b")) == "<Reporter b>"
