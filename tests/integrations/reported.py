"""What the tests of the callbacks share: a monitor that keeps what is reported, and what it has kept."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import argus
from tests.platform.peers import MonitorProcess

PACKAGES = Path(argus.__file__).resolve().parent.parent  # the checkout, or where the wheel went
TOKEN = "em_live_a-b_c"

_PASSING = ("env_snapshot", "resource_snapshot")  # they come where there is time


class Monitor(MonitorProcess):
    """`argus serve`, and the runs that it keeps."""

    def batches(self) -> list[list[dict[str, Any]]]:
        """The events of each batch as they have arrived, the batches by name."""
        files = sorted(Path(self.runs).rglob("events.jsonl"), key=lambda path: path.parent.name)
        return [_whole_lines(file) for file in files]

    def batch(self) -> list[dict[str, Any]]:
        """The events of the only batch."""
        (events,) = self.batches()
        return events

    def wait_for(self, what: Callable[[], Any], seconds: float = 120.0) -> Any:
        """Until `what()` is true; its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = what()
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.batches()}"
            time.sleep(0.02)

    def press_stop(self, batch_id: str) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request("POST", f"/api/batches/{batch_id}/stop")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    """A monitor of the test's own, named by the environment."""
    with Monitor(tmp_path / "runs") as peer:
        monkeypatch.setenv("ARGUS_URL", peer.url)
        yield peer


def shape(events: list[dict[str, Any]]) -> list[str]:
    """The types of the events in order, less those that come at a time of their own."""
    return [event["event_type"] for event in events if event["event_type"] not in _PASSING]


def data_of(events: list[dict[str, Any]], event_type: str) -> list[dict[str, Any]]:
    return [event["data"] for event in events if event["event_type"] == event_type]


def start(script: str, directory: Path, **environ: str) -> subprocess.Popen[str]:
    """A training as a process of its own, with this test's environment."""
    path = directory / "train.py"
    path.write_text(script, "utf-8")
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(path)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PACKAGES), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], seconds: float = 240.0) -> tuple[int, str]:
    """Its exit status and what it said."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            _end(process)
    return process.returncode, output


def _end(process: subprocess.Popen[str]) -> None:
    """Whoever has started ranks ends them when asked to; after that all are killed."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    lines = path.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]
