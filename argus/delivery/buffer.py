"""Where the callers leave their records and the sender takes them: bounded, in memory.

`put` is the whole of what a caller pays beside making the record: no lock, no I/O, and a wake-up
only for what is urgent, fills a few requests, or finds the sender at rest.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque

from argus.core.schema import MAX_EVENTS_PER_REQUEST
from argus.delivery.notices import BUFFER_FULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argus.delivery.notices import Notices

CAPACITY = 65_536  # records, about 40 MB of them
_RESERVE = 4_096  # more, for lifecycle events alone
# A loop that does nothing but report outruns the encoder, which needs the interpreter too. From
# here on each call gives it a turn, unless it has not come by for a while: then it is held up by
# a disk, and no caller waits for that.
_HIGH_WATER = 24_576
_TURN_S = 0.000_05
_HELD_UP_S = 0.2
_FIRST_DRAIN_S = 2.0  # what the sender may take to load what it needs
# So many wake the sender, who looks by himself now and then: to wake him takes a caller's time.
_RING_AT = 4 * MAX_EVENTS_PER_REQUEST


class Buffer:
    """The records that have not been encoded yet. Any thread may put; one thread drains."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._records: deque[Any] = deque()
        # Locked while there is nothing to hear. A bare lock may be released by a signal handler
        # that interrupts another wake-up; an Event would wait for a lock of its own thread's.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._ring_at = _RING_AT
        self._drained_at = time.monotonic() + _FIRST_DRAIN_S
        self._closed = False
        self._free_up_to = _HIGH_WATER  # so many may wait without a second look at who comes

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: Any, urgent: bool = False) -> None:
        """Leave a record. An urgent one (lifecycle) wakes the sender and may use the reserve."""
        waiting = len(self._records)
        if waiting >= self._free_up_to and not self._admits(waiting, urgent):
            return
        self._records.append(record)
        if urgent or waiting >= self._ring_at:
            self.wake()

    def close(self) -> None:
        """Take nothing more. What is inside will still be drained."""
        self._closed = True
        self._free_up_to = 0
        self.wake()

    def wake(self) -> None:
        """Have the sender look now."""
        self._ring_at = sys.maxsize
        if self._bell.locked():  # else it has been rung already
            try:
                self._bell.release()
            except RuntimeError:
                pass  # by somebody else, just now

    def wait(self, timeout_s: float, at_rest: bool = False) -> None:
        """Wait for a wake-up, for the thread that drains. At rest, the first record is one."""
        # In this order: what comes after the look at the records finds the bell set for it.
        self._ring_at = 0 if at_rest else _RING_AT
        if len(self._records) <= self._ring_at and self._bell.acquire(
            timeout=min(max(timeout_s, 0.0), threading.TIMEOUT_MAX)
        ):
            self._ring_at = sys.maxsize

    def drain(self, most: int) -> list[Any]:
        """Take up to `most` records, the oldest ones."""
        records = self._records
        self._drained_at = time.monotonic()
        return [records.popleft() for _ in range(min(most, len(records)))]

    def _admits(self, waiting: int, urgent: bool) -> bool:
        if self._closed:
            self._notices.mistake("something was reported after its block was left")
            return False
        if waiting >= CAPACITY + (_RESERVE if urgent else 0):
            self._notices.dropped(BUFFER_FULL)
            return False
        if time.monotonic() - self._drained_at < _HELD_UP_S:
            time.sleep(_TURN_S)
        return True
