"""Several items at once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from argus.sync import task as words
from argus.sync.finding import found
from argus.sync.fleet import Fleet
from argus.sync.task import Tidings
from tests.platform.peers import StandIn
from tests.sync.runs import a_run, a_task, new_client, story, sync


def runs_in(directory: Path, count: int, epochs: int = 3) -> list[str]:
    """So many runs; the ids of all their events."""
    ids = []
    for number in range(count):
        lines = story(f"b{number}", f"j{number}", epochs)
        a_run(directory / f"run-{number:03d}", lines)
        ids += [json.loads(line)["event_id"] for line in lines]
    return ids


def test_many_runs_go_over_few_connections(stand_in: StandIn, tmp_path: Path):
    ids = runs_in(tmp_path, 30)
    told, _ = sync(a_task(stand_in.url), tmp_path, jobs=3)
    assert {each.outcome for each in told} == {words.DELIVERED}
    assert sorted(event["event_id"] for event in stand_in.events()) == sorted(ids)
    assert stand_in.stats()["connections"] <= 3
    assert stand_in.stats()["duplicates"] == 0


def test_a_pause_that_the_platform_asks_for_holds_for_all(stand_in: StandIn, tmp_path: Path):
    ids = runs_in(tmp_path, 24)
    stand_in.mode("status:429", times=1, retry_after="0.5")
    sync(a_task(stand_in.url), tmp_path, jobs=4)
    assert len(stand_in.events()) == len(ids)
    requests = stand_in.requests("events/batch")
    [asked] = [request for request in requests if request["status"] == 429]
    # What was under way may still arrive, and what began before that answer was read.
    under_way = [each for each in requests if 0 <= each["at"] - asked["at"] < 0.45]
    assert len(under_way) <= 12


def test_an_end_that_is_asked_for_leaves_a_place_to_go_on_from(stand_in: StandIn, tmp_path: Path):
    ids = runs_in(tmp_path, 3, epochs=1_500)
    told: list[Tidings] = []
    task = a_task(stand_in.url)
    fleet = Fleet(found([tmp_path])[0], task, 1, 60.0, new_client(stand_in.url), told.append)
    stand_in.mode("ok", "hang", times=2)
    fleet.start()
    stand_in.wait_for(1_000)
    fleet.stop()
    assert fleet.wait(30.0)
    assert sum(each.events for each in told) == 1_000
    assert sum(each.left_events for each in told) == len(ids) - 1_000
    stand_in.mode("ok")
    sync(task, tmp_path)
    assert sorted(event["event_id"] for event in stand_in.events()) == sorted(ids)
    assert stand_in.stats()["duplicates"] == 0


def test_a_mistake_in_a_thread_ends_all_and_comes_to_light(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs_in(tmp_path, 2)

    def broken(*_: Any) -> Any:
        raise LookupError("a mistake")

    monkeypatch.setattr("argus.sync.carrier.Hand", broken)
    told: list[Tidings] = []
    task = a_task(stand_in.url)
    fleet = Fleet(found([tmp_path])[0], task, 2, 60.0, new_client(stand_in.url), told.append)
    fleet.start()
    with pytest.raises(LookupError, match="a mistake"):
        while not fleet.wait(10.0):
            pass


def test_an_unreadable_one_leaves_the_others_alone(stand_in: StandIn, tmp_path: Path):
    runs_in(tmp_path, 2)
    events = tmp_path / "run-000" / "events.jsonl"
    events.unlink()
    events.mkdir()
    told, _ = sync(a_task(stand_in.url), tmp_path)
    assert [each.outcome for each in told] == [words.UNREADABLE, words.DELIVERED]


def test_a_platform_that_hangs_is_waited_for_no_longer_than_it_may(
    stand_in: StandIn, tmp_path: Path
):
    runs_in(tmp_path, 1)
    stand_in.mode("status:500", "hang", times=1)
    began_at = time.monotonic()
    [told], fleet = sync(a_task(stand_in.url), tmp_path, limit_s=0.4)
    assert (told.outcome, fleet.pace.given_up is not None) == (words.LEFT, True)
    assert time.monotonic() - began_at < 12.0  # a request alone may take 15 s
