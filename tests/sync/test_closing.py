from __future__ import annotations

import json
import os
from pathlib import Path

from argus.rundir import layout
from tests.platform.peers import StandIn
from tests.sync.runs import a_run, a_task, story, sync


def test_a_crashed_run_is_told_to_have_failed_and_only_once(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", story(ends=False), status="running")
    (run / layout.HEARTBEAT).touch()
    task = a_task(stand_in.url)
    assert [sync(task, run)[0][0].closed for _ in range(2)] == [True, False]
    [event] = stand_in.events("batch_failed")
    assert event["data"]["reason"] == "crashed"
    assert [event["job_id"] for event in stand_in.events("job_failed")] == ["j"]
    described = json.loads((run / layout.SIDECAR).read_text("utf-8"))
    assert (described["status"], described["batch_id"]) == ("failed", "b")


def test_a_crash_is_left_open_on_demand(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", story(ends=False), status="running")
    sync(a_task(stand_in.url, closes=False), run)
    assert stand_in.events("batch_failed") == []
    assert len(stand_in.events()) == 5


def test_a_writer_elsewhere_is_given_time_before_it_is_called_dead(
    stand_in: StandIn, tmp_path: Path
):
    run = a_run(tmp_path / "run", story(ends=False), status="running", host="node-1", pid=7)
    (run / layout.HEARTBEAT).touch()
    sync(a_task(stand_in.url), run)
    assert stand_in.events("batch_failed") == []
    os.utime(run / layout.HEARTBEAT, (1_777_000_000, 1_777_000_000))
    sync(a_task(stand_in.url), run)
    assert len(stand_in.events("batch_failed")) == 1


def test_of_two_attempts_only_the_last_is_spoken_for(stand_in: StandIn, tmp_path: Path):
    for name, began in (("1", "01"), ("2", "02")):
        created_at = f"2026-04-22T09:23:{began}Z"
        a_run(tmp_path / name, story(ends=False), status="running", created_at=created_at)
    told, _ = sync(a_task(stand_in.url), tmp_path)
    assert [each.closed for each in told] == [False, True]
    assert len(stand_in.events("batch_failed")) == 1


def test_what_was_torn_is_cut_off_before_the_last_words(stand_in: StandIn, tmp_path: Path):
    run = a_run(tmp_path / "run", story(ends=False), status="running")
    with (run / layout.EVENTS).open("ab") as file:
        file.write(b'{"event_id":"00')
    sync(a_task(stand_in.url), run)
    lines = (run / layout.EVENTS).read_bytes().splitlines()
    assert [json.loads(line)["event_type"] for line in lines][-2:] == ["job_failed", "batch_failed"]
    assert len(stand_in.events()) == len(lines) == 7
