"""How much goes into one request, and how long a request waits for company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from argus.core.jsonl import Line
from argus.core.schema import MAX_EVENTS_PER_REQUEST

MAX_REQUEST_BYTES = 1_048_576  # more than one event only below this; proxies often stop at 1 MiB

_FIRST_LINGER_S = 1.0
_MAX_LINGER_S = 120.0
_CALM_AFTER = 10  # requests without a 429 until the linger shrinks again


class Backlog(NamedTuple):
    """What waits to be sent. `since` is the monotonic time at which the oldest of it came."""

    events: int
    size: int
    since: float
    urgent: bool

    @property
    def full(self) -> bool:
        """Whether it fills a request, so that waiting gains nothing."""
        return self.events >= MAX_EVENTS_PER_REQUEST or self.size >= MAX_REQUEST_BYTES


def batch_length(lines: Sequence[Line], max_events: int) -> int:
    """How many of `lines`, from the first, go into one request: one at least."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line.data) + 1
        if count == max_events or (size > MAX_REQUEST_BYTES and count > 0):
            return count
    return len(lines)


class Linger:
    """How long events wait for others. It grows while the platform says 429, so that a hundred
    runs can share one token, and shrinks again when the platform has been content for a while."""

    def __init__(self) -> None:
        self.seconds = _FIRST_LINGER_S
        self._calm = 0

    def throttled(self) -> None:
        """The platform said 429."""
        self.seconds = min(self.seconds * 2, _MAX_LINGER_S)
        self._calm = 0

    def accepted(self) -> None:
        """A request went through."""
        self._calm += 1
        if self._calm >= _CALM_AFTER:
            self.seconds = max(self.seconds / 2, _FIRST_LINGER_S)
            self._calm = 0

    def due_at(self, backlog: Backlog) -> float:
        """The monotonic time from which on `backlog` may go."""
        if backlog.urgent or backlog.full:
            return backlog.since
        return backlog.since + self.seconds
