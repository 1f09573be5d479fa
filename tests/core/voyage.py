"""An event file on its way to a platform that a test makes answer, in scripted time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Union

from argus.core.delivery import Delivery, Gate, Outcome
from argus.core.jsonl import Line
from argus.core.verdicts import Answer, NetworkFailure, Reply

WALL = 1_776_936_186.0
AWAY = NetworkFailure("connection refused")
HTML = Reply(200, b"<html>Please log in</html>")


class Platform:
    """What a platform stores. Each method is one way to answer the events of a request."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    def takes(self, ids: list[str]) -> Reply:
        return self._results(ids, {})

    def refuses(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results(ids, dict.fromkeys(bad, "missing: epoch"))

    def stumbles_over(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results(ids, dict.fromkeys(bad, "internal: database is locked"))

    def forgets(self, *bad: str) -> Callable[[list[str]], Reply]:
        return lambda ids: self._results([name for name in ids if name not in bad], {})

    def forgets_every_second(self, ids: list[str]) -> Reply:
        return self._results(ids[::2], {})

    def names(self, *bad: str) -> Callable[[list[str]], Reply]:
        """422 with the place of the bad ones; takes a request without any."""

        def answer(ids: list[str]) -> Reply:
            detail = [
                {"loc": ["body", "events", index, "event_type"], "msg": "bad"}
                for index, name in enumerate(ids)
                if name in bad
            ]
            body = json.dumps({"detail": detail}).encode()
            return Reply(422, body) if detail else self.takes(ids)

        return answer

    def chokes_on(self, *bad: str) -> Callable[[list[str]], Reply]:
        """422 that says nothing; takes a request without any."""
        return lambda ids: Reply(422) if set(bad) & set(ids) else self.takes(ids)

    def takes_at_most(self, count: int) -> Callable[[list[str]], Reply]:
        return lambda ids: Reply(413) if len(ids) > count else self.takes(ids)

    def _results(self, ids: list[str], errors: dict[str, str]) -> Reply:
        results = []
        for name in ids:
            status = "deduplicated" if name in self.stored else "accepted"
            if name in errors:
                status = "rejected"
            elif status == "accepted":
                self.stored.append(name)
            results.append({"event_id": name, "status": status, "error": errors.get(name)})
        return Reply(200, json.dumps({"results": results}).encode())


Script = Union[Answer, Callable[[list[str]], Answer]]


class Voyage:
    """An event file on its way, as the sender carries it out."""

    def __init__(self, names: list[str], random: Callable[[], float] = lambda: 0.5) -> None:
        self.waiting = [Line(name.encode(), name) for name in names]
        self.delivery = Delivery(Gate(random))
        self.gate = self.delivery.gate
        self.requests: list[list[str]] = []
        self.settled_bytes = 0
        self.confirmed = 0
        self.dead: dict[str, str] = {}

    def send(self, now: float, script: Script) -> Outcome:
        room = self.delivery.room
        self.delivery.board(self.waiting[:room])
        del self.waiting[:room]
        ids = [str(line.event_id) for line in self.delivery.request()]
        self.requests.append(ids)
        answer = script(ids) if callable(script) else script
        outcome = self.delivery.answered(now, WALL + now, answer)
        self.settled_bytes += outcome.settled_bytes
        self.confirmed += outcome.confirmed
        self.dead.update({str(line.event_id): reason for line, reason in outcome.dead})
        return outcome

    def send_all(self, now: float, script: Script, most: int = 10_000) -> float:
        """Send until nothing is left, each request when it is due. Returns the time at the end."""
        while self.is_going and most:
            most -= 1
            now = max(now, self.gate.not_before)
            self.send(now, script)
        return now

    @property
    def is_going(self) -> bool:
        return bool(self.waiting or self.delivery.in_hand)


def names_of(count: int) -> list[str]:
    return [f"e{number:05d}" for number in range(count)]


def size_of(names: list[str]) -> int:
    return sum(len(name) + 1 for name in names)
