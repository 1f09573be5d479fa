"""The decisions of delivering: what goes next, when, and what a reply changes.

No clock, no socket: times come in, requests and delays come out. A whole outage is a list of
(now, reply) pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Optional

from argus.core.backoff import Backoff
from argus.core.batching import Backlog, Linger
from argus.core.flight import DeadLetter, Flight
from argus.core.jsonl import Line
from argus.core.verdicts import Answer, Verdict, judge

FIRST_RETRY_S = 1.0
MAX_RETRY_S = 30.0
PROBE_S = 60.0  # how often a platform that refuses us is asked again
# Requests in a row that only set events aside or split them: enough to find one bad event among
# 500. A platform that refuses more than that is broken, and is not to be stormed.
MAX_FRUITLESS = 12


class Outcome(NamedTuple):
    """What one answer brought: how far the position moves, what was set aside, what to tell."""

    settled_bytes: int
    confirmed: int
    dead: list[DeadLetter]
    failure: Optional[str]
    halt: Optional[str]
    foreign: bool = False


class Gate:
    """Whether the platform may be asked, shared by all that is delivered to one platform."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._backoff = Backoff(FIRST_RETRY_S, MAX_RETRY_S, random)
        self.linger = Linger()
        self.answered = False  # the last request got through to a platform
        self.away = False  # the last request found nobody who takes events
        self.taken = 0  # requests of which the platform took something
        self.stored: Line | None = None  # an event that it has
        self.throttled = False  # the platform has asked to wait, in its last answer
        self._fruitless = 0

    @property
    def not_before(self) -> float:
        """The monotonic time before which nothing is sent."""
        return self._backoff.not_before

    def passed(self, now: float, verdict: Verdict, stuck: bool) -> None:
        """Learn from a verdict. `stuck`: all that waits has been refused before."""
        progress = bool(verdict.confirmed or verdict.refused or (verdict.wholesale and not stuck))
        self._fruitless = 0 if verdict.confirmed else self._fruitless + 1
        self.throttled = verdict.throttled
        self.answered = progress
        self.taken += bool(verdict.confirmed)
        self.away = verdict.absent
        if verdict.throttled:
            self.linger.throttled()
        if verdict.halt:
            self._backoff.failed(now, PROBE_S)
        elif not progress or self._fruitless > MAX_FRUITLESS:
            # Who shares a token with a hundred others comes back as seldom as it sends.
            spread_s = self.linger.seconds if verdict.throttled else 0.0
            self._backoff.failed(now, verdict.wait_s, spread_s)
        else:
            self._backoff.succeeded()
            self.linger.accepted()
            if verdict.unstored:  # a database that is locked for a moment
                self._backoff.failed(now, verdict.wait_s)

    def last_chance(self) -> None:
        """Nothing will be sent later, so try now; but not where the platform asked to wait."""
        if not self.throttled:
            self._backoff.skip_pause()


class Delivery:
    """The delivery of one event file through a gate."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._flight = Flight()
        self._sent: list[Line] = []
        self._is_probe = False

    def due_at(self, backlog: Backlog | None) -> float | None:
        """When the next request may go, on the monotonic clock; None where nothing waits."""
        if self._flight.unsettled:
            return self.gate.not_before
        if backlog is None:
            return None
        return max(self.gate.not_before, self.gate.linger.due_at(backlog))

    @property
    def room(self) -> int:
        """How many more lines the next request could take."""
        return self._flight.room

    @property
    def in_hand(self) -> int:
        """How many events have been taken from the backlog and are not settled."""
        return self._flight.unsettled

    def board(self, lines: Iterable[Line]) -> list[DeadLetter]:
        """Take lines for the next request. Returns those that can never be sent."""
        return self._flight.board(lines)

    def request(self) -> list[Line]:
        """The lines of the next request; none where nothing is left to send."""
        probe = self.gate.stored if self._flight.is_stuck(self.gate.taken) else None
        self._is_probe = probe is not None
        if probe is not None:
            # To send again what is stored costs nothing, and tells whether anything is taken.
            self._flight.hold()
            self._sent = [probe]
        else:
            self._sent = self._flight.request(self.gate.taken)
        return self._sent

    def settled_bytes(self) -> int:
        """How far the position moves now that lines at the front need nothing more."""
        return self._flight.disembark()

    def answered(self, now: float, wall_now: float, answer: Answer) -> Outcome:
        """Carry out an answer to the last request."""
        event_ids = [line.event_id or "" for line in self._sent]
        verdict = judge(answer, event_ids, wall_now)
        dead = self._flight.settle(verdict, self.gate.taken)
        has_no_probe = self._is_probe or self.gate.stored is None
        stuck = has_no_probe and self._flight.is_stuck(self.gate.taken)
        self.gate.passed(now, verdict, stuck)
        if verdict.confirmed:
            self.gate.stored = self._sent[min(verdict.confirmed)]
        return Outcome(
            settled_bytes=self._flight.disembark(),
            confirmed=0 if self._is_probe else len(verdict.confirmed),
            dead=dead,
            failure=verdict.failure,
            halt=verdict.halt,
            foreign=verdict.foreign,
        )
