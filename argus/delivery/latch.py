"""What happens once, and may be waited for: the end of a run, the end of an upload."""

from __future__ import annotations

import threading


class Latch:
    """`threading.Event`, as far as it is needed, for where Ctrl-C and signal handlers come by.

    An Event is Python around two locks: an interrupt between two of its lines leaves one of them
    held for ever, or released twice, and a signal handler waits for the lock of what it has
    interrupted. Here each step is one call into C, which is over or has not begun.
    """

    __slots__ = ("_closed", "is_set")

    def __init__(self) -> None:
        self._closed = threading.Lock()  # held until it happens, then free
        self._closed.acquire()
        self.is_set = False

    def set(self) -> None:
        """It has happened."""
        self.is_set = True
        self._open()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has happened; False where it has not within `timeout_s`."""
        if not self.is_set and self._closed.acquire(
            timeout=min(max(0.0, timeout_s), threading.TIMEOUT_MAX)
        ):
            self._open()  # for whoever else waits
        return self.is_set

    def _open(self) -> None:
        if self._closed.locked():
            try:
                self._closed.release()
            except RuntimeError:
                pass  # somebody else was faster
