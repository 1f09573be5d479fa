"""Runs that are not to be had whole: their writer lives, or their directory cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argus.rundir import layout, writer
from argus.rundir.media import PENDING, Artifact
from argus.rundir.run import RunDirectory
from argus.sync import carrier
from argus.sync import task as words
from argus.sync.finding import found
from argus.sync.fleet import Fleet
from argus.sync.task import Tidings
from tests.platform.peers import StandIn
from tests.sync.runs import a_run, a_task, new_client, story, sync


@pytest.fixture
def written(tmp_path: Path) -> Iterator[RunDirectory]:
    """A run of backup mode whose writer is at work: this process."""
    run = RunDirectory.create(tmp_path / "run", kept=True)
    run.describe({"batch_id": "b", "url": None, "status": "running", **writer.identity()})
    yield run
    run.release()


def test_a_run_that_keeps_being_written_is_read_and_not_touched(
    stand_in: StandIn, written: RunDirectory
):
    lines = story()
    written.journal.append(lines[:3])
    task = a_task(stand_in.url)
    [told], _ = sync(task, written.path)
    assert (told.outcome, told.events) == (words.DELIVERED, 3)
    assert told.reason == "it is still being written; --watch follows it to its end"
    written.journal.append(lines[3:])
    [told], _ = sync(task, written.path)
    assert (told.events, stand_in.stats()["duplicates"]) == (4, 0)
    assert stand_in.events("batch_failed") == []
    assert not (written.path / layout.DELIVERED).exists()


def test_a_run_that_its_own_reporter_delivers_is_left_to_it(
    stand_in: StandIn, written: RunDirectory
):
    written.describe({"batch_id": "b", "url": stand_in.url, "pid": 7, "host": "node-1"})
    written.journal.append(story())
    [told], _ = sync(a_task(stand_in.url), written.path)
    assert (told.outcome, told.reason) == (
        words.PASSED,
        "its own reporter delivers it (process 7 on node-1)",
    )
    assert stand_in.events() == []


@pytest.fixture
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "_LOOK_S", 0.02)


@pytest.mark.usefixtures("_looks_often")
def test_a_run_is_followed_to_its_end(stand_in: StandIn, written: RunDirectory, tmp_path: Path):
    lines = story(epochs=30)
    told: list[Tidings] = []
    items, _ = found([written.path])
    task = a_task(stand_in.url, watches=True)
    fleet = Fleet(items, task, 2, 60.0, new_client(stand_in.url), told.append)
    fleet.start()
    for number, line in enumerate(lines, 1):
        written.journal.append([line])
        if number % 10 == 0:
            stand_in.wait_for(number)
    figure = tmp_path / "a.png"
    figure.write_bytes(b"x")
    written.media.note(Artifact(str(figure), 1, "b", "j", None), PENDING)
    written.describe({"batch_id": "b", "url": None, "status": "done"})
    assert not fleet.wait(0.0)
    written.release()
    assert fleet.wait(30.0)
    assert (told[0].outcome, told[0].events, told[0].files) == (words.DELIVERED, len(lines), 1)
    assert stand_in.stats()["duplicates"] == 0


@pytest.mark.usefixtures("_looks_often")
def test_a_run_that_dies_while_it_is_followed_is_told_to_have_failed(
    stand_in: StandIn, written: RunDirectory
):
    # Of this pid no process lives; the lock is this test's.
    written.describe(
        {"batch_id": "b", "url": None, "status": "running", **writer.identity(), "pid": 2**22 + 1}
    )
    written.journal.append(story(ends=False))
    told: list[Tidings] = []
    task = a_task(stand_in.url, watches=True)
    fleet = Fleet(found([written.path])[0], task, 1, 60.0, new_client(stand_in.url), told.append)
    fleet.start()
    stand_in.wait_for(5)
    written.release()
    assert fleet.wait(30.0)
    assert [event["event_type"] for event in stand_in.events()][-2:] == [
        "job_failed",
        "batch_failed",
    ]
    assert told[0].closed


def test_a_run_of_a_monitor_is_handed_on_as_it_is(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", story(ends=False), written_by="monitor", status="running")
    held = RunDirectory.recover(run, kept=True)
    assert held is not None
    [told], _ = sync(a_task(stand_in.url), run)
    held.release()
    assert (told.outcome, told.events, told.closed) == (words.DELIVERED, 5, False)


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere"
)
def test_a_directory_that_cannot_be_written_has_its_position_elsewhere(
    stand_in: StandIn, tmp_path: Path
):
    run = a_run(tmp_path / "run")
    run.chmod(0o555)
    try:
        task = a_task(stand_in.url, state_dir=tmp_path / "state")
        assert sync(task, run)[0][0].events == 7
        assert sync(task, run)[0][0].events == 0
        assert sync(a_task(stand_in.url), run)[0][0].events == 7
    finally:
        run.chmod(0o755)
    assert stand_in.stats()["duplicates"] == 7


def test_a_run_of_somebody_else_is_read_and_noted_where_that_can_be(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = a_run(tmp_path / "run", story(ends=False), status="running")
    monkeypatch.setattr(writer, "user_id", lambda: 12_345)
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.events, told.closed) == (5, False)
    assert sync(a_task(stand_in.url), run)[0][0].events == 0


def test_what_holds_no_events_is_passed_and_nothing_is_left_in_it(
    stand_in: StandIn, tmp_path: Path
):
    run = a_run(tmp_path / "run")
    (run / layout.EVENTS).unlink()
    before = set(run.iterdir())
    [told], _ = sync(a_task(stand_in.url), run)
    assert (told.outcome, set(run.iterdir())) == (words.NOTHING, before)
