"""How a thread works beside a training: in small steps, and not for long."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Leaving(Protocol):
        """That the thread is to end: what can be waited for."""

        def wait(self, timeout_s: float, /) -> bool:
            """Whether it is so within that time."""


# A thread that computes makes others wait for the interpreter, 5 ms at a time.
_WORK_S = 0.001
_REST_S = 0.004


class Pace:
    """One thread's. It ends when `leaving` is so, or after `limit_s`."""

    def __init__(self, leaving: Leaving, limit_s: float) -> None:
        self._leaving = leaving
        self._working_since = time.monotonic()
        self._until = self._working_since + limit_s

    def goes_on(self) -> bool:
        """Whether there is time for more. Rests first where the thread has worked for a while."""
        if time.monotonic() - self._working_since >= _WORK_S:
            return self.rest(_REST_S)
        return not self._leaving.wait(0.0)

    def rest(self, seconds: float) -> bool:
        """Leave the interpreter to others. Whether there is time for more."""
        is_leaving = self._leaving.wait(seconds)
        self._working_since = time.monotonic()
        return not is_leaving and self._working_since < self._until

    def shorter(self, limit_s: float) -> Pace:
        """The same for one part of the work, which gets `limit_s` at most."""
        left_s = self._until - time.monotonic()
        return Pace(self._leaving, min(limit_s, left_s))
