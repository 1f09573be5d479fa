"""What has happened, numbered, for any number of listeners: each message is made once.

A listener that falls behind, or comes back, gets what it missed; where that is no longer kept, it
is told to begin anew.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

KEPT_MESSAGES = 4_096
KEPT_BYTES = 33_554_432
PORTION_BYTES = 262_144


class Message(NamedTuple):
    """One thing that has happened. `data` is JSON."""

    number: int
    kind: str
    data: bytes


class Feed:
    """The messages of late. For any thread."""

    def __init__(self, first_number: int) -> None:
        """Numbers go on from `first_number`: no number of an earlier feed may be one of this."""
        self._changed = threading.Condition()
        self._kept: deque[Message] = deque()
        self._kept_bytes = 0
        self._last = first_number
        self._is_closed = False

    @property
    def last_number(self) -> int:
        """The number of the latest message."""
        return self._last

    def publish(self, kind: str, content: Any) -> None:
        """Tell everybody."""
        data = json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        with self._changed:
            self._last += 1
            self._kept.append(Message(self._last, kind, data))
            self._kept_bytes += len(data)
            while len(self._kept) > KEPT_MESSAGES or self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= len(self._kept.popleft().data)
            self._changed.notify_all()

    def close(self) -> None:
        """End all listening."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def listen(self, after: int | None, wait_s: float) -> Iterator[list[Message]]:
        """What comes after message number `after` (None: from now on), as it comes, in portions.

        An empty one at least every `wait_s`. A number that is not known any more, or never was,
        gets one message of the kind `resync`, and what comes from then on.
        """
        return self._listen(self._last if after is None else after, wait_s)

    def _listen(self, at: int, wait_s: float) -> Iterator[list[Message]]:
        while True:
            messages = self._next(at, time.monotonic() + wait_s)
            if messages is None:
                return
            at = messages[-1].number if messages else at
            yield messages

    def _next(self, after: int, deadline: float) -> list[Message] | None:
        with self._changed:
            while not self._is_closed and after == self._last:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return []
                self._changed.wait(left_s)
            if self._is_closed:
                return None
            first = self._kept[0].number if self._kept else self._last + 1
            if not first - 1 <= after <= self._last:
                return [Message(self._last, "resync", b"{}")]
            missed = islice(self._kept, after + 1 - first, None)
            return list(_portion(missed))


def _portion(messages: Iterable[Message]) -> Iterator[Message]:
    """The first of `messages`: a listener that takes them slowly holds no more than that."""
    left = PORTION_BYTES
    for message in messages:
        yield message
        left -= len(message.data)
        if left <= 0:
            return
