"""One output of a command: copied to where it belongs at once, and kept for whoever makes lines of it.

The copy waits for nobody but the reader of our own output, whom the command would wait for anyway.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

from argus.delivery.latch import Latch

_PIECE_BYTES = 65_536
# Between two looks of whoever makes lines. Of more the end is kept, which is what tells of a
# failure; to make lines of a flood would take the command's own time.
_MAX_KEPT_BYTES = 131_072


class Tap:
    """Copies from `source` to `target`, two descriptors, in a thread; `ring` is called when there is
    something to take, and at the end."""

    def __init__(self, source: int, target: int, ring: Callable[[], None]) -> None:
        self._source = source
        self._target = target
        self._ring = ring
        self._keeping = threading.Lock()
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._lost_lines = 0
        self.ended = Latch()  # nobody can write there any more, or nobody reads what is written

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="argus-run-output", daemon=True).start()

    def take(self) -> tuple[int, list[bytes]]:
        """What has come since the last time, after so many lines that were not kept."""
        with self._keeping:
            taken, lost = list(self._pieces), self._lost_lines
            self._pieces.clear()
            self._size = self._lost_lines = 0
        return lost, taken

    def _run(self) -> None:
        try:
            while True:
                piece = _read(self._source)
                if not piece or not _written(self._target, piece):
                    return
                self._keep(piece)
        finally:
            os.close(self._source)  # where nobody reads our output, the command is to notice it
            self.ended.set()
            self._ring()

    def _keep(self, piece: bytes) -> None:
        with self._keeping:
            is_first = not self._pieces
            self._pieces.append(piece)
            self._size += len(piece)
            while self._size > _MAX_KEPT_BYTES:
                oldest = self._pieces.popleft()
                self._size -= len(oldest)
                self._lost_lines += oldest.count(b"\n")
        if is_first:
            self._ring()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except OSError:  # EIO: the last one to hold the other side of a terminal has gone
        return b""


def _written(descriptor: int, piece: bytes) -> bool:
    """Whether there was somebody to write it to."""
    left = memoryview(piece)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # whoever shares it with us wants it so
            select.select([], [descriptor], [])
        except OSError:
            return False
    return True
