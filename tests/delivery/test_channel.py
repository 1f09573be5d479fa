from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.conftest import NOWHERE, epoch, runs_in
from tests.platform.peers import StandIn

START: Any = ("batch_start", 1_777_000_000.0, None, {}, None)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def argus_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("argus-")]


def test_a_closed_channel_leaves_no_thread_and_nothing_alive(stand_in: StandIn, open_channel):
    before = argus_threads()
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    channel.close("done")
    for thread in threading.enumerate():
        if thread.name == "argus-sender" and thread.name not in before:
            thread.join(5.0)
    assert argus_threads() == before


def test_closing_twice_is_closing_once(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    channel.close("failed")
    channel.close("done")
    assert channel.status == "failed"
    assert stand_in.stats()["events"] == 1


@forks
def test_a_forked_child_reports_on_its_own_and_sends_nothing_of_its_parents(
    stand_in: StandIn, open_channel, state: Path
):
    stand_in.mode("status:503")
    channel = open_channel(stand_in.url, ARGUS_EXIT_TIMEOUT="0.5")
    channel.put(START, urgent=True)
    channel.put(epoch(0))
    pid = os.fork()
    if pid == 0:
        channel.put(epoch(1, child=True))
        channel.close("done")
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    stand_in.mode("ok")
    channel.put(epoch(2))
    channel.close("done")
    after = open_channel(stand_in.url, "after")  # the child has met nothing but the 503
    after.put(START, urgent=True)
    after.close("done")
    numbers = [event["data"].get("epoch") for event in stand_in.events() if event["job_id"]]
    assert sorted(numbers) == [0, 1, 2]
    assert stand_in.stats()["duplicates"] == 0
    assert runs_in(state) == []


@forks
def test_a_child_forked_while_every_lock_is_held_goes_on(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    channel.notices._counting.acquire()
    holder = threading.Thread(target=channel.buffer.wait, args=(0.2,))
    holder.start()
    pid = os.fork()
    if pid == 0:
        gc.collect()
        channel.notices.dropped("rejected")
        channel.put(epoch(1))
        channel.close("done")
        os._exit(7)
    channel.notices._counting.release()
    holder.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    stand_in.wait_for(2)


@forks
def test_a_worker_of_multiprocessing_delivers_before_it_ends(stand_in: StandIn, open_channel):
    channel = open_channel(stand_in.url)
    channel.put(START, urgent=True)
    context = multiprocessing.get_context("fork")
    worker = context.Process(target=channel.put, args=(epoch(5),))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert [event["data"]["epoch"] for event in stand_in.events("job_epoch")] == [5]


SCRIPT = """
import os, sys, time
from argus.core.settings import resolve
from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices
settings = resolve(os.environ["ARGUS_URL"], None, os.environ, None)
channel = Channel(RunFacts("b", "p", None), settings, Notices())
channel.start()
for number in range(100):
    channel.put(("job_epoch", time.time(), "j", {"epoch": number}, None))
"""


def run_script(code: str, url: str, state: Path) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("ARGUS_")}
    environ.update(ARGUS_URL=url, ARGUS_STATE_DIR=str(state))
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_channel_that_is_never_closed_delivers_when_the_process_ends(
    stand_in: StandIn, state: Path
):
    done = run_script(SCRIPT, stand_in.url, state)
    assert (done.returncode, done.stderr) == (0, "")
    assert stand_in.stats()["events"] == 100
    assert runs_in(state) == []


def test_a_process_that_ends_with_nobody_listening_ends_at_once(state: Path):
    before = time.monotonic()
    done = run_script(SCRIPT, NOWHERE, state)
    assert time.monotonic() - before < 5.0
    assert done.returncode == 0
    (kept,) = runs_in(state)
    assert len((kept / "events.jsonl").read_bytes().splitlines()) == 100


def test_nobody_keeps_a_closed_channel(stand_in: StandIn, state: Path):
    from argus.delivery.channel import Channel, RunFacts
    from argus.delivery.notices import Notices
    from tests.delivery.conftest import settings_for

    channel = Channel(RunFacts("b", "p", None), settings_for(stand_in.url, state), Notices())
    channel.start()
    channel.close("done")
    for thread in threading.enumerate():
        if thread.name.startswith("argus-sender"):
            thread.join(5.0)
    gone = weakref.ref(channel)
    del channel
    gc.collect()
    assert gone() is None
