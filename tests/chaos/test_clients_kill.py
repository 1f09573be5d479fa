"""A monitor that is killed while reporters send: each event is there exactly once."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from pathlib import Path

from tests.chaos.figures import count
from tests.platform.peers import MonitorProcess
from tests.server.events import Client, event

SEED = 20_260_422
REPORTERS = 3


class Sender(threading.Thread):
    """Sends batches of events to whatever monitor listens on a port, each until it is taken."""

    def __init__(self, port: int, number: int, enough: threading.Event) -> None:
        super().__init__(daemon=True)
        self.taken: list[str] = []
        self.progress = threading.Semaphore(0)
        self.resent = 0
        self._port = port
        self._name = f"bench-{number % 2}"  # two of them write into one batch
        self._enough = enough

    def run(self) -> None:
        while not self._enough.is_set():
            events = [event(batch_id=self._name) for _ in range(20)]
            self._send_until_taken(events)
            self.taken += [each["event_id"] for each in events]
            self.progress.release()

    def _send_until_taken(self, events: list[dict[str, object]]) -> None:
        while True:
            client = Client(self._port)
            try:
                results = client.send(*events)["results"]
                assert all(result["status"] != "rejected" for result in results)
                return
            except (OSError, http.client.HTTPException):
                self.resent += 1  # killed, or not there yet
                self._enough.wait(0.005)
            finally:
                client.connection.close()


def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path, long):
    draw, enough = random.Random(SEED), threading.Event()
    with contextlib.ExitStack() as stack:
        monitor = stack.enter_context(MonitorProcess(tmp_path / "runs"))
        senders = [Sender(monitor.port, number, enough) for number in range(REPORTERS)]
        for sender in senders:
            sender.start()
        for _ in range(100 if long else 2):
            for _ in range(draw.randint(1, 12)):  # that some came through, and then some more
                assert draw.choice(senders).progress.acquire(timeout=30)
            enough.wait(draw.random() * 0.005)
            monitor.restart()
            count("kills of a monitor")
        for sender in senders:
            assert sender.progress.acquire(timeout=30)
        enough.set()
        for sender in senders:
            sender.join(30)
            assert not sender.is_alive()
    found: list[str] = []
    for path in Path(monitor.runs).glob("*/*/*/events.jsonl"):
        found += [json.loads(line)["event_id"] for line in path.read_bytes().splitlines()]
    taken = [event_id for sender in senders for event_id in sender.taken]
    assert sorted(found) == sorted(taken)
    count("events through a monitor that was killed", len(taken))
    count("tries that a killed monitor did not answer", sum(s.resent for s in senders))
