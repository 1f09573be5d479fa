"""Where what was printed waits for the thread that makes lines of it: bounded, in memory.

`put` is what a `print` pays: no lock, no I/O, and a wake-up only for what ends a rest or fills it.
"""

from __future__ import annotations

import sys
import threading
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_PIECES = 131_072  # 25 MB of short ones
MAX_CHARS = 8_388_608
_RING_AT = 8_192


class Backlog:
    """Pieces of printed text. Any thread may put; one thread takes."""

    def __init__(self) -> None:
        self._pieces: deque[Any] = deque()
        self._chars = 0  # about; right again whenever all is taken
        self._losing = threading.RLock()  # a signal handler may print in the middle of a count
        self._lost = 0
        # Locked while there is nothing to hear, as in `delivery.buffer`.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._ring_at = _RING_AT

    def __len__(self) -> int:
        return len(self._pieces)

    def put(self, piece: Any, text: str | bytes) -> None:
        """Leave a piece, whose text is `text`; count its lines where it does not fit."""
        waiting = len(self._pieces)
        if waiting >= MAX_PIECES or self._chars >= MAX_CHARS:
            with self._losing:
                self._lost += text.count("\n") if isinstance(text, str) else text.count(b"\n")
            return
        self._chars += len(text)
        self._pieces.append(piece)
        if waiting >= self._ring_at:
            self.wake()

    def take(self) -> list[Any]:
        """All there is, the oldest first."""
        pieces = self._pieces
        taken = [pieces.popleft() for _ in range(len(pieces))]
        self._chars = 0
        return taken

    def take_lost(self) -> int:
        """How many lines did not fit since this was asked last."""
        if not self._lost:
            return 0
        with self._losing:
            lost, self._lost = self._lost, 0
        return lost

    def wake(self) -> None:
        """Have the thread look now."""
        self._ring_at = sys.maxsize
        if self._bell.locked():  # else it has been rung already
            try:
                self._bell.release()
            except RuntimeError:
                pass  # by somebody else, just now

    def wait(self, timeout_s: float, at_rest: bool) -> None:
        """Wait for a wake-up. At rest, the first piece is one."""
        # In this order: what comes after the look at the pieces finds the bell set for it.
        self._ring_at = 0 if at_rest else _RING_AT
        if len(self._pieces) <= self._ring_at and self._bell.acquire(
            timeout=min(max(timeout_s, 0.0), threading.TIMEOUT_MAX)
        ):
            self._ring_at = sys.maxsize
