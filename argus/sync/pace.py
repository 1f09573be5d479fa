"""What all that is delivered at once has in common: one platform, one patience, one end.

The platform is asked by several threads; what it says to one of them holds for all.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from argus.core.delivery import Gate, Outcome
from argus.core.verdicts import Verdict

# Answers of something that is no platform, one after the other, until that is believed.
_MAX_FOREIGN = 3


class SharedGate(Gate):
    """A gate for several threads. A pause that one of them was asked for is not cut short by the
    success of another, whose request was under way already; nor is it made longer by those that
    were told the same at the same time."""

    def __init__(self, random: Callable[[], float]) -> None:
        super().__init__(random)
        self._passing = threading.Lock()  # guards all that a verdict changes
        self._asked_until = 0.0

    @property
    def not_before(self) -> float:
        """The monotonic time before which nothing is sent."""
        return max(super().not_before, self._asked_until)

    def passed(self, now: float, verdict: Verdict, stuck: bool) -> None:
        """Learn from a verdict."""
        with self._passing:
            if verdict.throttled and now < self._asked_until:
                self._asked_until = max(self._asked_until, now + (verdict.wait_s or 0.0))
                return
            super().passed(now, verdict, stuck)
            if verdict.throttled:
                self._asked_until = super().not_before

    def pause(self, until: float) -> None:
        """Let nobody send before a monotonic time: what takes files has said so."""
        with self._passing:
            self._asked_until = max(self._asked_until, until)


class Pace:
    """When to wait, and when to give up: with `limit_s` in which nothing got through."""

    def __init__(self, gate: SharedGate, limit_s: float) -> None:
        self.gate = gate
        self._limit_s = limit_s
        self._stopping = threading.Event()
        self._trouble_since = 0.0  # monotonic
        self._foreign = 0
        self.given_up: str | None = None  # why, where no more is tried
        self.trouble: str | None = None  # the last, while it lasts

    @property
    def is_stopping(self) -> bool:
        """Whether everybody is to come to an end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Have everybody come to an end."""
        self._stopping.set()

    def wait(self, until: float) -> bool:
        """Wait for a monotonic time. False where it is to come to an end instead."""
        while not self.is_stopping:
            now, gives_up_at = time.monotonic(), self.gives_up_at
            if now >= gives_up_at:
                self._give_up(f"nothing got through for {self._limit_s:.0f} s: {self.trouble}")
            elif until <= now:
                return True
            else:
                self._stopping.wait(min(until, gives_up_at) - now)
        return False

    @property
    def gives_up_at(self) -> float:
        """The monotonic time until which something must get through; infinite without trouble."""
        return self._trouble_since + self._limit_s if self.trouble else math.inf

    def learn(self, outcome: Outcome) -> None:
        """What came of a request with events."""
        self._foreign = self._foreign + 1 if outcome.foreign else 0
        if outcome.halt is not None:
            self._give_up(outcome.halt)
        elif self._foreign >= _MAX_FOREIGN:
            self._give_up(outcome.failure or "no Argus platform answers there")
        elif outcome.confirmed or outcome.dead or outcome.failure is None:
            self.got_through()
        else:
            self.in_trouble(outcome.failure)

    def got_through(self) -> None:
        """Something has arrived."""
        self.trouble = None

    def in_trouble(self, what: str) -> None:
        """Nothing arrives for now."""
        if self.trouble is None:
            self._trouble_since = time.monotonic()
        self.trouble = what

    def _give_up(self, reason: str) -> None:
        if self.given_up is None:
            self.given_up = reason
        self.stop()
