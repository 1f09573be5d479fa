"""One deadline for a whole exchange, and what is done while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

# Whoever waits looks up this often: to do other work, and to notice that time has run out. A
# caller's buffer must not fill in the meantime.
SLICE_S = 0.05


class Patience:
    """How long an exchange may still take. `meanwhile` is called about every `SLICE_S` of it, while
    bytes come and go as well as while none do; it may shorten the deadline, and must neither wait
    nor raise."""

    def __init__(self, timeout_s: float, meanwhile: Callable[[Patience], None]) -> None:
        now = time.monotonic()
        self._until = now + timeout_s
        self._due_at = now + SLICE_S
        self._meanwhile = meanwhile

    def until(self, monotonic: float) -> None:
        """End no later than at that time."""
        self._until = min(self._until, monotonic)

    def part(self, most_s: float) -> Patience:
        """The patience for one step of several. What shortens the whole shortens it too."""

        def meanwhile(step: Patience) -> None:
            self._meanwhile(self)
            step.until(self._until)

        step = Patience(most_s, meanwhile)
        step.until(self._until)
        return step

    def next_slice_s(self) -> float:
        """How long to wait at most before asking again; to be asked before each step, also where
        there is nothing to wait for. Raises TimeoutError once the deadline has passed."""
        now = time.monotonic()
        if now >= self._due_at:
            self._meanwhile(self)
            now = time.monotonic()
            self._due_at = now + SLICE_S
        left = self._until - now
        if left <= 0:
            raise TimeoutError("no complete answer in time")
        return min(left, self._due_at - now)
