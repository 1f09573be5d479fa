"""Memory that many requests share: who needs more than is left waits a while, then goes without."""

from __future__ import annotations

import threading


class Budget:
    """So many bytes, for any number of threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """What nobody holds."""
        return self._left

    def take(self, size: int, within_s: float) -> bool:
        """Take `size` out, waiting so long at most until it is there. False where it is not.

        More than there is at all is taken as all there is.
        """
        size = min(size, self._size)
        with self._changed:
            if not self._changed.wait_for(lambda: self._left >= size, within_s):
                return False
            self._left -= size
            return True

    def give_back(self, size: int) -> None:
        """Put back what was taken, in the same portions."""
        with self._changed:
            self._left += min(size, self._size)
            self._changed.notify_all()
