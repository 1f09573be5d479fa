"""Incremental JSONL: whole lines out of chunks; a torn last line waits for the rest of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple, Optional

from argus.core.events import EVENT_ID


class Line(NamedTuple):
    """One line of an event file: its bytes without the newline, and the id of its event.

    An id of None marks a line that is no event: it is never sent.
    """

    data: bytes
    event_id: Optional[str]

    @property
    def size(self) -> int:
        """The bytes that the line takes in the file."""
        return len(self.data) + 1


def total_size(lines: Collection[Line]) -> int:
    """The bytes that the lines take in the file together."""
    return sum(len(line.data) for line in lines) + len(lines)


def own_line(data: bytes) -> Line:
    """A line that our encoder has made: its id stands at a known place."""
    return Line(data, data[EVENT_ID].decode("ascii"))


def read_own_line(data: bytes) -> Line:
    """A line out of a file that this very process writes: a glance tells that it is whole."""
    if data.startswith(b'{"event_id":"') and data.endswith(b"}}"):
        return own_line(data)
    return read_line(data)


def read_line(data: bytes) -> Line:
    """A line out of a file, which anything may have happened to."""
    event = parsed_object(data)
    event_id = event.get("event_id") if event is not None else None
    return Line(data, event_id if isinstance(event_id, str) else None)


def parsed_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that a line holds; None for any other line."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class LineSplitter:
    """Cuts a stream of chunks at newlines. What follows the last newline is kept for later."""

    def __init__(self) -> None:
        self._torn = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newlines."""
        lines = (self._torn + chunk).split(b"\n")
        self._torn = lines.pop()
        return lines

    @property
    def torn_bytes(self) -> int:
        """How much of a line has come that is not complete."""
        return len(self._torn)
