"""One deadline for a whole exchange, and what is done while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

# Whoever waits looks up this often: to do other work, and to notice that time has run out. A
# caller's buffer must not fill in the meantime.
SLICE_S = 0.05


class Patience:
    """How long an exchange may still take. `meanwhile` is called about every `SLICE_S` of waiting;
    it may shorten the deadline, and must neither wait nor raise."""

    def __init__(self, timeout_s: float, meanwhile: Callable[[Patience], None]) -> None:
        self._until = time.monotonic() + timeout_s
        self._meanwhile = meanwhile

    def until(self, monotonic: float) -> None:
        """End no later than at that time."""
        self._until = min(self._until, monotonic)

    def part(self, most_s: float) -> Patience:
        """The patience for one step of several."""
        step = Patience(most_s, self._meanwhile)
        step.until(self._until)
        return step

    def next_slice_s(self) -> float:
        """How long to wait now. Raises TimeoutError once the deadline has passed."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no complete answer in time")
        return min(left, SLICE_S)

    def waited(self) -> None:
        """A slice went by and nothing came."""
        self._meanwhile(self)
