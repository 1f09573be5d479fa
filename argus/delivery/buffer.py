"""Where the callers leave their records and the sender takes them: bounded, in memory.

`put` is the whole of what a caller pays beside making the record: no lock, no I/O, and a wake-up
only for what is urgent or fills a request.
"""

from __future__ import annotations

import queue
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


class Buffer:
    """The records that have not been encoded yet. Any thread may put; one thread drains."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._records: deque[Any] = deque()
        # SimpleQueue may be put to from a signal handler that interrupts another put; an Event
        # would wait there for a lock that its own thread holds.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
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
        if urgent or waiting == MAX_EVENTS_PER_REQUEST:
            self.wake()

    def close(self) -> None:
        """Take nothing more. What is inside will still be drained."""
        self._closed = True
        self._free_up_to = 0
        self.wake()

    def wake(self) -> None:
        """Have the sender look now."""
        if self._wake.empty():
            self._wake.put(None)

    def wait(self, timeout_s: float) -> None:
        """Wait for a wake-up, for the thread that drains."""
        try:
            self._wake.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            pass

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
