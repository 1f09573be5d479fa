"""The way out for unusual events, and reporting from many threads."""

from __future__ import annotations

import sys
import threading

import argus
from tests.environment import clean_environment, platform, quiet, said, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def test_emit_addresses_the_innermost_open_job_or_the_one_that_it_names(
    platform: StandIn,
) -> None:
    with quiet(batch_id="b") as r:
        r.emit("job_epoch", epoch=0)
        with r.job("outer"):
            with r.job("inner"):
                r.emit("job_epoch", epoch=1)
                r.emit("job_epoch", epoch=2, job_id="elsewhere")
                r.emit("job_epoch", epoch=3, job_id=7)
            r.emit("job_epoch", epoch=4)
        r.emit("job_epoch", epoch=5)

    assert [(e["data"]["epoch"], e["job_id"]) for e in platform.events("job_epoch")] == [
        (0, "b"),
        (1, "inner"),
        (2, "elsewhere"),
        (3, "7"),
        (4, "outer"),
        (5, "b"),
    ]


def test_an_epoch_that_is_emitted_is_one_of_its_job(platform: StandIn) -> None:
    with quiet(batch_id="b") as r, r.job("outer"), r.job("inner") as inner:
        inner.epoch(0)
        argus.emit("job_epoch", epoch=1)
        r.emit("job_epoch", epoch=2, job_id="outer")
        r.emit("job_epoch", epoch=3, batch_id="elsewhere")
        r.emit("log_line", line="no epoch")

    done = {e["job_id"]: e["data"]["train_epochs"] for e in platform.events("job_done")}
    assert done == {"inner": 2, "outer": 1}


def test_event_of_an_unusual_name_arrives_as_a_log_line(platform: StandIn) -> None:
    with quiet(batch_id="b") as r:
        r.emit("preempted", node="n7", at=3)
        r.emit("checkpoint", job_id="j", level="WARNING")
        r.emit(event="named")
        r.emit()
        r.emit("heartbeat")

    assert shown(platform.events("log_line")) == [
        (
            "log_line",
            "b",
            {"line": "preempted", "level": "info", "event": "preempted", "node": "n7", "at": 3},
        ),
        ("log_line", "j", {"line": "checkpoint", "level": "warning", "event": "checkpoint"}),
        ("log_line", "b", {"line": "named", "level": "info", "event": "named"}),
        ("log_line", "b", {"line": "event", "level": "info", "event": "event"}),
        ("log_line", "b", {"line": "heartbeat", "level": "info", "event": "heartbeat"}),
    ]


def test_emitted_event_of_the_schema_arrives_as_that(platform: StandIn) -> None:
    with quiet() as r, r.job("j"):
        r.emit("env_snapshot", git_sha="abc", git_dirty=False, pip_freeze=("a", "b"), own=1)
        r.emit("resource_snapshot", gpu_util_pct=float("nan"), ts=5)
        r.emit("job_epoch", val_loss=1)

    assert shown(platform.events())[2:-2] == [
        (
            "env_snapshot",
            None,
            {"git_sha": "abc", "git_dirty": False, "pip_freeze": ["a", "b"], "own": 1},
        ),
        ("resource_snapshot", None, {"gpu_util_pct": "NaN", "ts_": 5}),
        ("job_epoch", "j", {"val_loss": 1, "epoch": 0}),
    ]


def test_emit_into_another_batch(platform: StandIn) -> None:
    with quiet(batch_id="b") as r:
        r.emit("log_line", line="x", batch_id="other")

    assert [(e["batch_id"], e["job_id"]) for e in platform.events("log_line")] == [("other", "b")]


def test_jobs_of_many_threads_are_told_apart_and_all_counted(platform: StandIn) -> None:
    def report(fails: bool) -> None:
        for _ in range(100):
            try:
                with r.job(""):
                    if fails:
                        raise ValueError
            except ValueError:
                pass

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with quiet() as r:
            threads = [threading.Thread(target=report, args=(n % 2 == 0,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)

    assert len({event["job_id"] for event in platform.events("job_start")}) == 800
    assert shown(platform.events("batch_done")) == [
        ("batch_done", None, {"n_done": 400, "n_failed": 400})
    ]


def test_any_thread_may_report(platform: StandIn, said: list[str]) -> None:
    def report(number: int) -> None:
        with r.job(None) as j:  # type: ignore[arg-type]
            for epoch in range(100):
                argus.emit("mark", job_id=f"t{number}", n=epoch)
                j.epoch(epoch)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with quiet() as r:
            threads = [threading.Thread(target=report, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)

    marks = [(e["job_id"], e["data"]["n"]) for e in platform.events("log_line")]
    assert sorted(marks) == sorted((f"t{n}", epoch) for n in range(8) for epoch in range(100))
    done = platform.events("job_done")
    assert {event["job_id"] for event in done} == {f"job-{n}" for n in range(1, 9)}
    assert [event["data"]["train_epochs"] for event in done] == [100] * 8
    assert shown(platform.events("batch_done")) == [
        ("batch_done", None, {"n_done": 8, "n_failed": 0})
    ]
    assert len(said) == 1  # the jobs had no id
