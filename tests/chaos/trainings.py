"""Trainings in processes of their own: how they are started, and what is there once they are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import argus
from tests.environment import quiet
from tests.platform.peers import StandIn

ROOT = Path(str(argus.__file__)).resolve().parents[1]
LIMIT_S = 60.0  # of anything that should take a second: this machine may have much else to do

PRELUDE = """
import os, signal, sys, threading, time
from pathlib import Path
import argus
from argus import Reporter, emit

def quiet(**arguments):
    off = dict(heartbeat=False, stop_polling=False, resource_snapshot=False)
    return Reporter(**{"batch_id": "b", **off, **arguments})

def pause(seconds):
    threading.Event().wait(seconds)

def written(count):
    'Waits until so many events are in the event files of this process.'
    pattern = f"spill/*.{os.getpid()}.*/events.jsonl"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        files = Path(os.environ["ARGUS_STATE_DIR"]).glob(pattern)
        if sum(path.read_bytes().count(b"\\n") for path in files) >= count:
            return
        pause(0.01)
    raise SystemExit("not written down")
"""


class Ended(NamedTuple):
    """How a training has ended."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float


def start(code: str, url: str, **environ: str) -> subprocess.Popen[str]:
    """A training that runs `code`; the rest of its environment is that of the test."""
    script = Path(tempfile.mkdtemp(dir=".")) / "train.py"  # multiprocessing wants a file
    script.write_text(PRELUDE + code, "utf-8")
    return subprocess.Popen(
        # Python 3.12 and later say of a fork what is tried here.
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ARGUS_URL": url, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str], started: float | None = None) -> Ended:
    """Wait for the end of a training; `started`: from when its seconds count (monotonic)."""
    started = time.monotonic() if started is None else started
    try:
        stdout, stderr = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return Ended(process.returncode, stdout, stderr, time.monotonic() - started)


def run(code: str, url: str, **environ: str) -> Ended:
    """Run a training to its end."""
    return end(start(code, url, **environ))


def left() -> list[str]:
    """The run directories in the state directory of the test."""
    spill = Path(os.environ["ARGUS_STATE_DIR"]) / "spill"
    return sorted(path.name for path in spill.iterdir()) if spill.is_dir() else []


def deliver_what_is_left(platform: StandIn) -> None:
    """What a user does: run the next training. Fails where that leaves something undelivered."""
    deadline = time.monotonic() + LIMIT_S
    while left() and time.monotonic() < deadline:
        with quiet(batch_id="the next") as reporter:
            reporter.emit("job_start", job_id="the next")
            platform.wait_for(lambda p: [e for e in p.events() if e["batch_id"] == "the next"])
    assert left() == []


def epochs(platform: StandIn) -> dict[str, list[int]]:
    """The numbers of the epochs that the platform has, of each job, in order. Each arrived once."""
    found: dict[str, list[int]] = {}
    for event in platform.events("job_epoch"):
        found.setdefault(event["job_id"], []).append(event["data"]["epoch"])
    for job, numbers in found.items():
        twice = [number for number, count in Counter(numbers).items() if count > 1]
        assert twice == [], f"{job} has some epochs twice"
    return {job: sorted(numbers) for job, numbers in found.items()}


def types(platform: StandIn, batch_id: str = "b") -> list[str]:
    """The types of the events of a batch, in order of arrival, without epochs."""
    return [
        event["event_type"]
        for event in platform.events()
        if event["batch_id"] == batch_id and event["event_type"] != "job_epoch"
    ]


def statuses(platform: StandIn) -> dict[str, Any]:
    """How each batch but that of `deliver_what_is_left` has ended."""
    return {
        event["batch_id"]: event["event_type"]
        for event in platform.events()
        if event["event_type"] in ("batch_done", "batch_failed") and event["batch_id"] != "the next"
    }
