"""What happens once, and may be waited for: the end of a run, the end of an upload."""

from __future__ import annotations

import queue
from threading import TIMEOUT_MAX


class Latch:
    """`threading.Event`, as far as it is needed, for where Ctrl-C and signal handlers come by.

    An Event is Python around two locks: an interrupt between two of its lines leaves one of them
    held for ever, or released twice, and a signal handler waits for the lock of what it has
    interrupted. Here each step is one call into C, which is over or has not begun.
    """

    __slots__ = ("_waiting", "is_set")

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_set = False

    def set(self) -> None:
        """It has happened."""
        self.is_set = True
        self._waiting.put(None)

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has happened; False where it has not within `timeout_s`."""
        if not self.is_set:
            try:
                self._waiting.get(timeout=min(max(0.0, timeout_s), TIMEOUT_MAX))
            except queue.Empty:
                return self.is_set
            self._waiting.put(None)  # for whoever else waits
        return True
