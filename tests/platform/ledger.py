"""What came in, request by request, and the waiting for more of it. Judges nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from tests.platform.http_wire import Head


class Entry:
    """One request: its head at once, the rest as it happens."""

    def __init__(self, head: Head, connection: int, mode: str) -> None:
        self.head = head
        self.connection = connection
        self.mode = mode
        self.at = time.monotonic()
        self.body_bytes = 0
        self.events: int | None = None  # how many the request carried; None: no event request
        self.status: int | None = None  # None: not answered, or not yet

    def as_json(self) -> dict[str, Any]:
        return {
            "method": self.head.method,
            "path": self.head.target,
            "headers": self.head.headers,
            "connection": self.connection,
            "mode": self.mode,
            "at": self.at,
            "body_bytes": self.body_bytes,
            "events": self.events,
            "status": self.status,
        }


class Ledger:
    """Belongs to one event loop. Whoever changes what a test can wait for calls `changed`."""

    def __init__(self) -> None:
        self.version = 0  # it never goes back, so that nobody waits for a version of the past
        self._change = asyncio.Event()
        self.clear()

    def clear(self) -> None:
        self.entries: list[Entry] = []
        self.connections = 0

    def connected(self) -> int:
        """The number of a new connection; the first one is 1."""
        self.connections += 1
        self.changed()
        return self.connections

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.changed()

    def changed(self) -> None:
        self.version += 1
        self._change.set()
        self._change = asyncio.Event()

    async def change(self, deadline: float) -> bool:
        """Waits for the next change. False: the monotonic `deadline` came first."""
        try:
            await asyncio.wait_for(self._change.wait(), max(0.0, deadline - time.monotonic()))
        except asyncio.TimeoutError:
            return False
        return True

    def statuses(self) -> dict[str, int]:
        """How many requests were answered with each status."""
        return Counter(str(entry.status) for entry in self.entries if entry.status is not None)
