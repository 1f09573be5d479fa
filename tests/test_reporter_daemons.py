"""Stop button, sign of life and resource snapshots, as a whole run has them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from argus import Reporter
from argus.core import contract
from tests.chaos.process_state import wait_until
from tests.environment import clean_environment, platform, quiet, said, shown
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def _daemons() -> set[str]:
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith("argus-")
        and thread.name not in ("argus-sender", "argus-environment")
    }


def test_stop_button_stops_the_training(platform: StandIn, said: list[str]) -> None:
    with quiet(stop_polling=0.1) as r, r.job("j") as j:
        platform.wait_for(lambda s: [q for q in s.requests("stop-requested") if q["status"] == 200])
        assert (r.stopped, j.stopped) == (False, False)
        platform.stop_requested(batch_id=r.batch_id)
        epoch = 0
        while not j.stopped and epoch < 100_000:
            epoch += 1
            j.epoch(epoch)
            platform.wait_for(version=platform.stats()["version"])
        assert (r.stopped, j.stopped) == (True, True)
        platform.stop_requested(False, batch_id=r.batch_id)
        assert (r.stopped, j.stopped) == (True, True)

    assert platform.events("batch_done") != []
    assert said == []


def test_stop_button_of_another_batch_is_not_ours(platform: StandIn) -> None:
    platform.stop_requested(batch_id="other")
    with quiet(stop_polling=0.05) as r:
        platform.wait_for(lambda s: len(s.requests("stop-requested")) >= 3)
        assert not r.stopped


def test_sign_of_life_and_snapshots_arrive(platform: StandIn, said: list[str]) -> None:
    def arrived(event_type: str, job_id: str | None) -> Callable[[StandIn], bool]:
        def look(platform: StandIn) -> bool:
            r.emit("job_start", job_id="urgent")  # and nothing lingers
            return job_id in [event["job_id"] for event in platform.events(event_type)]

        return look

    with quiet(batch_id="b", heartbeat=0.1, resource_snapshot=0.1) as r:
        platform.wait_for(arrived("log_line", "b"))
        platform.wait_for(arrived("resource_snapshot", None))
        with r.job("outer"), r.job("inner"):
            platform.wait_for(arrived("log_line", "inner"))

    heartbeats = platform.events("log_line")
    assert {e["job_id"] for e in heartbeats} - {"outer"} == {"b", "inner"}
    assert {tuple(e["data"].items()) for e in heartbeats} == {
        (("line", "heartbeat"), ("level", "debug"))
    }
    snapshots = platform.events("resource_snapshot")
    assert len(snapshots) > 0
    for snapshot in snapshots:
        assert snapshot["job_id"] is None
        assert contract.data_error("resource_snapshot", snapshot["data"]) is None
        assert snapshot["data"]["disk_total_mb"] > 0
    assert snapshots[-1]["data"]["run_disk_total_mb"] > 0
    assert platform.stats()["rejected"] == 0
    assert said == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"argus-heartbeat", "argus-stop-poll", "argus-resource-snapshot"}),
        ({"heartbeat": False}, {"argus-stop-poll", "argus-resource-snapshot"}),
        ({"stop_polling": False, "resource_snapshot": None}, {"argus-heartbeat"}),
        ({"stop_polling": 0, "resource_snapshot": -1, "heartbeat": 60}, {"argus-heartbeat"}),
        ({"stop_polling": False, "resource_snapshot": False, "heartbeat": False}, set()),
    ],
)
def test_each_daemon_can_be_turned_off(
    platform: StandIn, asked: dict[str, Any], expected: set[str]
) -> None:
    wait_until(lambda: not _daemons())  # those of an earlier test may be about to end
    with Reporter(**asked):
        platform.wait_for(1)  # the sender has started them before it does anything else
        assert _daemons() == expected


def test_default_intervals() -> None:
    intervals = Reporter()._intervals

    assert (intervals.heartbeat_s, intervals.stop_poll_s, intervals.snapshot_s) == (300, 10, 30)


def test_turn_that_ends_after_the_block_is_no_mistake_of_the_caller(
    platform: StandIn, said: list[str]
) -> None:
    with quiet() as r:
        daemons = r._daemons
    assert daemons is not None
    daemons._beat()

    assert r._notices.mistakes == 0
    assert platform.events("log_line") == []
    assert said == []


def test_lost_events_are_told_by_the_platform_too(platform: StandIn, said: list[str]) -> None:
    platform.mode("reject_poison")
    with quiet() as r:
        r.emit("good")
        r.emit("bad", poison=1)
        r.emit("bad", poison=2, job_id="j")
        with r.job("j"):
            platform.wait_for(rejected=2)

    assert shown(platform.events("batch_done")) == [
        ("batch_done", None, {"n_done": 1, "n_failed": 0, "dropped": {"rejected": 2}})
    ]
    assert len(said) == 1
