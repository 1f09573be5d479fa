"""The control API, `/_control/…`: tests set modes, read what came in, and wait for more of it.

POST reset                                forgets all, sets `ok`, ends every connection
POST mode         {"modes": [{"mode": "status:503", "times": 2, "path": "", …}, …]}
POST stop         {"requested": true, "batch_id": null}      null: every batch
GET  stats        counts, as JSON
GET  events       the stored events in order of arrival, as JSONL
GET  requests     every request that was read, as JSONL
GET  uploads      the stored files, as JSONL
GET  wait?events=9&requests=2&timeout=5   answers when each of these counts of `stats` is
                  reached, or when the time is over: {"met": …, "stats": …}
GET  wait?version=7&timeout=5             the same, for anything newer than that version
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from tests.platform.http_wire import Answer, Head, error_answer, json_answer, jsonl_answer
from tests.platform.ledger import Ledger
from tests.platform.modes import Turns
from tests.platform.store import Store

PREFIX = "/_control/"


class Control:
    """`end_connections` ends all of the tests' subjects' connections; they are a list to count."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        turns: Turns,
        connections: set[Any],
        end_connections: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._turns = turns
        self._end_connections = end_connections
        # Asked for at every change that somebody waits for: each on its own, the dear ones only if named.
        self._counts: dict[str, Callable[[], int]] = {
            "version": lambda: ledger.version,
            "connections": lambda: ledger.connections,
            "open_connections": lambda: len(connections),
            "requests": lambda: len(ledger.entries),
            "answered": lambda: sum(entry.status is not None for entry in ledger.entries),
            "body_bytes": lambda: sum(entry.body_bytes for entry in ledger.entries),
            "items": lambda: sum(entry.events or 0 for entry in ledger.entries),
            "events": lambda: len(store.events),
            "duplicates": lambda: store.duplicates,
            "rejected": lambda: store.rejected,
            "uploads": lambda: len(store.uploads),
        }
        self._commands: dict[tuple[str, str], Callable[[Any], None]] = {
            ("POST", "reset"): self._reset,
            ("POST", "mode"): self._mode,
            ("POST", "stop"): self._stop,
        }
        self._reports: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "stats"): lambda: json_answer(200, self.stats()),
            ("GET", "events"): lambda: jsonl_answer(self._store.events),
            ("GET", "uploads"): lambda: jsonl_answer(self._store.uploads),
            ("GET", "requests"): lambda: jsonl_answer(
                [entry.as_json() for entry in self._ledger.entries]
            ),
        }

    async def answer(self, head: Head, read_body: Callable[[], Awaitable[bytes]]) -> Answer:
        body = await read_body()
        key = head.method, head.path[len(PREFIX) :]
        if key in self._reports:
            return self._reports[key]()
        try:
            if key in self._commands:
                self._commands[key](json.loads(body or b"{}"))
                self._ledger.changed()
                return json_answer(200, self.stats())
            if key == ("GET", "wait"):
                return await self._wait(dict(parse_qsl(head.query)))
        except (ValueError, KeyError, TypeError) as error:
            return error_answer(400, repr(error))
        return error_answer(404, "no such control")

    def stats(self) -> dict[str, Any]:
        counts = {name: count() for name, count in self._counts.items()}
        return {"mode": self._turns.mode, **counts, "statuses": self._ledger.statuses()}

    def _reset(self, _: Any) -> None:
        self._end_connections()
        self._turns.set([])
        self._store.clear()
        self._ledger.clear()

    def _mode(self, value: Any) -> None:
        self._turns.set(value["modes"])

    def _stop(self, value: Any) -> None:
        batch_id = value.get("batch_id")
        if batch_id is None:
            self._store.stop_all = value["requested"]
        elif value["requested"]:
            self._store.stopped.add(batch_id)
        else:
            self._store.stopped.discard(batch_id)

    async def _wait(self, query: dict[str, str]) -> Answer:
        deadline = time.monotonic() + float(query.pop("timeout"))
        newer_than = int(query.pop("version", -1))
        counts = {name: int(count) for name, count in query.items()}
        while True:
            met = self._ledger.version > newer_than and all(
                self._counts[name]() >= count for name, count in counts.items()
            )
            if met or not await self._ledger.change(deadline):
                return json_answer(200, {"met": met, "stats": self.stats()})
