"""The sender as a whole: what the platform, the disk and the log have in the end."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.conftest import NOWHERE, epoch, runs_in
from tests.platform.peers import StandIn

START: Any = ("batch_start", 1_777_000_000.0, None, {}, None)
DONE: Any = ("batch_done", 1_777_000_999.0, None, {}, None)


def epochs_of(platform: StandIn) -> list[int]:
    return [event["data"]["epoch"] for event in platform.events("job_epoch")]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def elapsed_s(action) -> float:
    before = time.monotonic()
    action()
    return time.monotonic() - before


def test_everything_arrives_in_order_and_the_state_directory_is_empty(
    stand_in: StandIn, open_channel, state: Path
):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    for number in range(3_000):
        channel.put(epoch(number))
    channel.put(DONE, urgent=True)
    channel.close("done")
    assert epochs_of(stand_in) == list(range(3_000))
    assert [e["event_type"] for e in stand_in.events()][0::3001] == ["batch_start", "batch_done"]
    assert stand_in.stats()["duplicates"] == 0
    assert runs_in(state) == []


def test_events_that_are_not_urgent_travel_together(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    stand_in.wait_for(1)
    for number in range(100):
        channel.put(epoch(number))
    stand_in.wait_for(101)
    assert [request["events"] for request in stand_in.requests()] == [1, 100]
    assert stand_in.stats()["connections"] == 1


def test_nobody_listening_keeps_the_events_and_the_next_run_delivers_them(
    stand_in: StandIn, open_channel, state: Path, caplog
):
    stand_in.kill()
    first = open_channel(stand_in.url, "first")
    for number in range(1_200):
        first.put(epoch(number))
    assert elapsed_s(lambda: first.close("done")) < 1.5
    (kept,) = runs_in(state)
    assert len((kept / "events.jsonl").read_bytes().splitlines()) == 1_200
    assert len(warnings(caplog)) == 1
    assert str(kept) in warnings(caplog)[0]

    stand_in.restart()
    second = open_channel(stand_in.url, "second")
    second.put(START, urgent=True)
    second.close("done")
    assert epochs_of(stand_in) == list(range(1_200))
    assert [e["batch_id"] for e in stand_in.events()] == ["second"] + ["first"] * 1_200
    assert runs_in(state) == []


def test_leftovers_of_another_platform_are_left_alone(stand_in: StandIn, open_channel, state: Path):
    elsewhere = open_channel(NOWHERE, "elsewhere")
    elsewhere.put(epoch(0))
    elsewhere.close("done")
    channel = open_channel(stand_in.url, "here")
    channel.put(START, urgent=True)
    channel.close("done")
    assert [e["batch_id"] for e in stand_in.events()] == ["here"]
    assert len(runs_in(state)) == 1


def test_a_run_in_progress_is_nobodys_leftover(stand_in: StandIn, open_channel, state: Path):
    stand_in.mode("status:503", times=None, path="")
    running = open_channel(stand_in.url, "running")
    running.put(epoch(0))
    stand_in.wait_for(lambda platform: platform.requests())
    stand_in.mode("ok")
    other = open_channel(stand_in.url, "other")
    other.put(START, urgent=True)
    other.close("done")
    assert [path.name.split(".")[0] for path in runs_in(state)] == ["running"]
    running.close("done")
    assert sorted(e["batch_id"] for e in stand_in.events()) == ["other", "running"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("status:401", "ARGUS_TOKEN"),
        ("status:403", "ARGUS_TOKEN"),
        ("status:404", "ARGUS_URL"),
        ("html", "ARGUS_URL"),
        ("redirect:http://127.0.0.1:9/elsewhere", "redirects"),
        ("status:500", "HTTP 500"),
        ("close", "kept"),
    ],
)
def test_trouble_is_said_once_and_loses_nothing(
    stand_in: StandIn, open_channel, state: Path, caplog, mode: str, said: str
):
    stand_in.mode(mode)
    channel = open_channel(stand_in.url, "troubled", ARGUS_EXIT_TIMEOUT="1")
    channel.put(START, urgent=True)
    for number in range(20):
        channel.put(epoch(number))
    assert elapsed_s(lambda: channel.close("done")) < 2.0
    assert len(warnings(caplog)) == 1, warnings(caplog)
    assert said in warnings(caplog)[0]
    assert channel.notices.counts == {}

    stand_in.mode("ok")
    after = open_channel(stand_in.url, "after")
    after.put(START, urgent=True)
    after.close("done")
    assert epochs_of(stand_in) == list(range(20))
    assert runs_in(state) == []


@pytest.mark.parametrize("mode", ["hang", "mute", "drip", "endless_body", "endless_headers"])
def test_a_platform_that_never_finishes_does_not_hold_the_exit(
    stand_in: StandIn, open_channel, state: Path, mode: str
):
    stand_in.mode(mode)
    channel = open_channel(stand_in.url, "held", ARGUS_EXIT_TIMEOUT="0.6")
    channel.put(START, urgent=True)
    channel.put(epoch(1))
    assert elapsed_s(lambda: channel.close("done")) < 1.2
    (kept,) = runs_in(state)
    assert len((kept / "events.jsonl").read_bytes().splitlines()) == 2


def test_one_bad_event_takes_no_other_with_it(stand_in: StandIn, open_channel, state: Path):
    stand_in.mode("nameless_422")
    channel = open_channel(stand_in.url)
    for number in range(300):
        channel.put(epoch(number, **({"poison": True} if number == 123 else {})))
    channel.close("done")
    assert epochs_of(stand_in) == [number for number in range(300) if number != 123]
    (kept,) = runs_in(state)
    (letter,) = (kept / "rejected.jsonl").read_text("utf-8").splitlines()
    assert json.loads(letter)["event"]["data"] == {"epoch": 123, "poison": True}
    assert channel.notices.counts == {"rejected": 1}
    assert json.loads((kept / "run.json").read_text("utf-8"))["dropped"] == {"rejected": 1}


def test_events_stored_but_not_answered_arrive_once(stand_in: StandIn, open_channel, state: Path):
    stand_in.mode("stored_but_no_answer", times=2)
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    for number in range(50):
        channel.put(epoch(number))
    channel.close("done")
    while runs_in(state):  # two failures may have used the time that leaving has
        after = open_channel(stand_in.url, "after")
        after.put(START, urgent=True)
        after.close("done")
    assert epochs_of(stand_in) == list(range(50))


def test_what_waits_for_an_answer_does_not_keep_the_rest_from_being_written(
    stand_in: StandIn, open_channel, state: Path
):
    stand_in.mode("hang")
    channel = open_channel(stand_in.url, ARGUS_EXIT_TIMEOUT="0.3")
    channel.put(START, urgent=True)
    stand_in.wait_for(lambda platform: platform.requests())
    channel.put(epoch(1))
    deadline = time.monotonic() + 2.0
    (run,) = runs_in(state)
    while b'"epoch":1' not in (run / "events.jsonl").read_bytes():
        assert time.monotonic() < deadline, "a request in flight holds the journal up"


def test_429_makes_events_linger_longer(stand_in: StandIn, open_channel):
    stand_in.mode("status:429", times=1, retry_after="0")
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    stand_in.wait_for(1)
    channel.put(epoch(1))
    stand_in.wait_for(2)
    first, second, third = [request["at"] for request in stand_in.requests()]
    assert second - first < 5.0
    assert third - second > 1.5


def test_an_outage_in_the_middle_costs_nothing(stand_in: StandIn, open_channel, state: Path):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    stand_in.wait_for(1)
    stand_in.kill()
    for number in range(600):
        channel.put(epoch(number))
    stand_in.restart()
    stand_in.wait_for(601)
    channel.close("done")
    assert epochs_of(stand_in) == list(range(600))
    assert runs_in(state) == []


def test_kept_runs_stay_with_all_their_events(stand_in: StandIn, open_channel, tmp_path: Path):
    channel = open_channel(stand_in.url, "kept-run", ARGUS_RUNS_DIR=str(tmp_path / "runs"))
    channel.put(START, urgent=True)
    channel.put(epoch(1))
    channel.close("done")
    (run,) = (tmp_path / "runs").glob("*/*/kept-run")
    size = (run / "events.jsonl").stat().st_size
    assert int((run / "delivered").read_text()) == size
    content = json.loads((run / "run.json").read_text("utf-8"))
    assert (content["status"], content["batch_id"]) == ("done", "kept-run")
    assert (content["pid"], content["url"]) == (os.getpid(), stand_in.url)


def test_backup_mode_sends_nothing(stand_in: StandIn, open_channel, tmp_path: Path):
    runs = str(tmp_path / "runs")
    channel = open_channel(stand_in.url, ARGUS_MODE="backup", ARGUS_RUNS_DIR=runs)
    channel.put(epoch(1))
    channel.close("done")
    assert stand_in.requests() == []
    (run,) = (tmp_path / "runs").glob("*/*/b")
    assert len((run / "events.jsonl").read_bytes().splitlines()) == 1


def test_no_place_for_files_delivers_from_memory(stand_in: StandIn, open_channel, tmp_path: Path):
    occupied = tmp_path / "a file"
    occupied.touch()
    channel = open_channel(
        stand_in.url, ARGUS_RUNS_DIR=str(occupied / "runs"), ARGUS_STATE_DIR=str(occupied / "state")
    )
    for number in range(700):
        channel.put(epoch(number))
    channel.close("done")
    assert epochs_of(stand_in) == list(range(700))


def test_an_address_that_is_none_is_said_and_loses_nothing(open_channel, state: Path, caplog):
    channel = open_channel("http://[abc", "nowhere")
    channel.put(epoch(1))
    channel.close("done")
    assert len(warnings(caplog)) == 1
    assert "ARGUS_URL" in warnings(caplog)[0]
    (kept,) = runs_in(state)
    assert len((kept / "events.jsonl").read_bytes().splitlines()) == 1


def test_the_directory_is_private_and_holds_no_token(stand_in: StandIn, open_channel, state: Path):
    stand_in.mode("status:503")
    channel = open_channel(stand_in.url, ARGUS_TOKEN="em_live_secret", ARGUS_EXIT_TIMEOUT="0.3")
    channel.put(START, urgent=True)
    channel.close("done")
    (run,) = runs_in(state)
    assert stand_in.requests()[0]["headers"]["authorization"] == "Bearer em_live_secret"
    for path in run.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"em_live" not in path.read_bytes()
    for directory in (run, run.parent, run.parent.parent):
        assert directory.stat().st_mode & 0o777 == 0o700
