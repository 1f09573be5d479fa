"""A monitor among hostile clients: it answers what can be answered, holds on to nothing, and a
reporter beside them loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.figures import count
from tests.chaos.hostile_clients import BEHAVIOURS, connect, exchange, mutated_request
from tests.chaos.process_state import PROC, Held, held_by, wait_until
from tests.platform.peers import MonitorProcess
from tests.server.events import Client, event

needs_proc = pytest.mark.skipif(not (PROC / "self" / "fd").exists(), reason="no /proc here")

SEED = 20_260_422
MEBIBYTE = 1_048_576
_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z '-]+\r\n")


def _descriptors() -> int:
    """How many this process may have."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return 1_000_000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1_000_000 if limit == resource.RLIM_INFINITY else limit


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path / "runs") as monitor:
        yield monitor
        assert monitor.alive
        assert "Traceback" not in monitor.server.stderr()


def statuses(answer: bytes) -> list[int]:
    """The statuses of all replies in `answer`, each of which must be whole and hold JSON."""
    found = []
    while answer:
        line = _STATUS_LINE.match(answer)
        assert line, answer[:200]
        head, _, rest = answer.partition(b"\r\n\r\n")
        found.append(int(line[1]))
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        if found[-1] == 100 or rest.startswith(b"HTTP/1.1 "):  # that was the answer to a HEAD
            answer = rest
            continue
        assert length, head
        body, answer = rest[: int(length[1])], rest[int(length[1]) :]
        if body and b"\r\nContent-Type: application/json" in head:
            json.loads(body, parse_constant=pytest.fail)
    return found


def settled(monitor: MonitorProcess) -> Held:
    """What the monitor holds once every client's connection has ended."""
    threads = 3  # the one that waits for signals, the one that accepts, and the scanner
    wait_until(lambda: held_by(monitor.server.pid).threads == threads)
    return held_by(monitor.server.pid)


def report(monitor: MonitorProcess, tmp_path: Path, batch_id: str) -> list[str]:
    """A training that reports to the monitor; the types of what has arrived when it has ended."""
    script = f"""
from argus import Reporter
with Reporter(batch_id={batch_id!r}, heartbeat=False, resource_snapshot=False) as r:
    with r.job("j1") as j:
        for epoch in range(50):
            j.epoch(epoch, train_loss=0.5)
"""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("ARGUS_")}
    environ |= {"ARGUS_URL": monitor.url, "ARGUS_STATE_DIR": str(tmp_path / "state")}
    environ |= {"ARGUS_EXIT_TIMEOUT": "60"}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True, timeout=120)
    [path] = Path(monitor.runs).glob(f"*/*/{batch_id}/events.jsonl")
    return [json.loads(line)["event_type"] for line in path.read_bytes().splitlines()]


COMPLETE = ["batch_start", "job_start", *["job_epoch"] * 50, "job_done", "batch_done"]


@needs_proc
def test_mutated_requests_are_answered_and_leave_nothing_behind(monitor, tmp_path, long):
    draw, number = random.Random(SEED), 7_500 if long else 150
    client = Client(monitor.port)
    client.send(event("batch_start"), event("job_start"))
    client.connection.close()

    def play():
        for _ in range(number):
            data = mutated_request(draw, monitor.port)
            answered = statuses(exchange(monitor.port, data))
            assert not [status for status in answered if status >= 500 and status != 501], data[
                :300
            ]
            count("mutated requests sent to a monitor")

    play()
    before = settled(monitor)
    play()
    after = settled(monitor)
    assert after.sockets == before.sockets
    assert after.files <= before.files + 2 * 64  # of batches: no more than so many are open
    assert after.rss_bytes - before.rss_bytes < 24 * MEBIBYTE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
    assert report(monitor, tmp_path, "after") == COMPLETE


@needs_proc
def test_a_reporter_loses_nothing_among_clients_that_behave_badly(monitor, tmp_path, long):
    draw = random.Random(SEED)
    client = Client(monitor.port)
    client.send(event("batch_start"), event("job_start"))
    client.connection.close()
    before = settled(monitor)
    for round_number in range(32 if long else 1):
        with contextlib.ExitStack() as stack:
            for number in range(50):
                connection = stack.enter_context(connect(monitor.port))
                BEHAVIOURS[number % len(BEHAVIOURS)](draw, connection, monitor.port)
                count("hostile connections to a monitor")
            assert report(monitor, tmp_path, f"round-{round_number}") == COMPLETE
    after = settled(monitor)
    assert after.sockets == before.sockets
    assert after.rss_bytes - before.rss_bytes < 64 * MEBIBYTE
    assert list(Path(monitor.runs).rglob(".upload-*")) == []


@pytest.mark.skipif(_descriptors() < 700, reason="too few descriptors for so many clients")
@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
def test_whoever_is_silent_keeps_nobody_out(monitor, beginning):
    with contextlib.ExitStack() as stack:
        for _ in range(512):
            connection = stack.enter_context(connect(monitor.port))
            if beginning:
                connection.sendall(beginning)
        count("silent connections to a monitor", 512)
        began = time.monotonic()
        client = Client(monitor.port)
        assert client.send(event())["accepted"] == 1
        assert time.monotonic() - began < 10  # milliseconds, on a machine that is not busy
        client.connection.close()


@needs_proc
def test_a_body_that_would_grow_in_memory_is_bounded(monitor, long):
    head = b"POST /api/events/batch HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %d\r\n\r\n"
    bomb = b'{"events":[' + b"[]," * (2_600_000 if long else 400_000) + b"[]]}"
    answer = exchange(monitor.port, head % (monitor.port, len(bomb)) + bomb)
    assert statuses(answer) == [422]
    assert statuses(exchange(monitor.port, head % (monitor.port, 9_000_000))) == [413]
    peak = (PROC / str(monitor.server.pid) / "status").read_text().partition("VmHWM:")[2]
    assert int(peak.split()[0]) * 1024 < 512 * MEBIBYTE
