"""When to try again: exponential backoff with full jitter.

After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): a delay drawn evenly from
zero to a bound that doubles spreads a thousand clients that failed at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """The pause after each failure. `random` gives evenly spread numbers from 0 to 1."""

    def __init__(self, first_s: float, most_s: float, random: Callable[[], float]) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._failures = 0
        self.not_before = 0.0

    def failed(self, now: float, asked_s: float | None, spread_s: float = 0.0) -> None:
        """Pause. A time that the other side asked for is the least; what chance adds grows with
        the failures, or a thousand that were told the same would come back together. `spread_s`
        is what chance may add in any case."""
        self._failures += 1
        bound_s = min(self._first_s * 2.0 ** min(self._failures - 1, 32), self._most_s)
        pause_s = (asked_s or 0.0) + max(bound_s, spread_s) * self._random()
        self.not_before = now + pause_s

    def succeeded(self) -> None:
        """The next failure begins at the shortest pause again."""
        self._failures = 0
        self.not_before = 0.0

    def skip_pause(self) -> None:
        """Try at once, without forgetting that the last tries failed."""
        self.not_before = 0.0
