"""Incremental JSONL: whole lines out of chunks; a torn last line waits for the rest of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Optional

from argus.core.events import EVENT_ID
from argus.core.schema import SCHEMA_VERSION

_BEGINNING = b'{"event_id":"'
_SCHEMA = b'","schema_version":"%b","event_type":"' % SCHEMA_VERSION.encode()
_TYPE_AT = EVENT_ID.stop + len(_SCHEMA)

MAX_LINE_BYTES = 16_777_216  # no event is a tenth of it; what is longer is a broken file


class Line(NamedTuple):
    """One line of an event file: its bytes without the newline, and the id of its event.

    An id of None marks a line that is no event: it is never sent. Of one that is too long for
    memory there is only the beginning, and the number of bytes that are left out; it is negative
    for one that was put right and has grown.
    """

    data: bytes
    event_id: Optional[str]
    left_out: int = 0

    @property
    def size(self) -> int:
        """The bytes that the line takes in the file."""
        return len(self.data) + self.left_out + 1


def total_size(lines: Collection[Line]) -> int:
    """The bytes that the lines take in the file together."""
    return sum(len(line.data) + line.left_out for line in lines) + len(lines)


def own_line(data: bytes) -> Line:
    """A line that our encoder has made: its id stands at a known place."""
    return Line(data, data[EVENT_ID].decode("ascii"))


def read_line(data: bytes) -> Line:
    """A line out of a file, which anything may have happened to."""
    if looks_like_ours(data):
        return own_line(data)
    event = parsed_object(data) or {}
    event_id = event.get("event_id")
    # An event of another schema is none: a platform would refuse all that goes with it.
    is_event = isinstance(event_id, str) and event.get("schema_version") == SCHEMA_VERSION
    return Line(data, event_id if is_event else None)


def looks_like_ours(data: bytes) -> bool:
    """Whether a line is taken for our encoder's at a glance: to parse it would take longer than all
    else that is done with it. What is broken within is found by whoever refuses it."""
    return (
        data.startswith(_BEGINNING)
        and data.startswith(_SCHEMA, EVENT_ID.stop)
        and data.endswith(b"}}")
        and data[EVENT_ID].isascii()
        and b"\0" not in data  # what a power cut leaves of blocks that were never written
    )


def own_event_type(data: bytes) -> str:
    """The type of an event whose line looks like ours."""
    return data[_TYPE_AT : data.index(b'"', _TYPE_AT)].decode()


def parsed_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that a line holds; None for any other line."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parsed_objects(lines: Sequence[bytes]) -> list[dict[str, Any] | None]:
    """What `parsed_object` gives for each line: all at once where none is broken, which takes half
    of the time, else one by one."""
    try:
        values = json.loads(b"[%b]" % b",".join(lines))
    except (ValueError, RecursionError):
        values = []
    if len(values) != len(lines):
        return [parsed_object(line) for line in lines]
    return [value if isinstance(value, dict) else None for value in values]


class LineSplitter:
    """Cuts a stream of chunks at newlines. What follows the last newline is kept for later; of a
    line that goes on for more than `max_bytes`, over many chunks, only its beginning is."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._torn: list[bytes] = []
        self.torn_bytes = 0  # how much of a line has come that is not complete

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their newlines."""
        first, *others = chunk.split(b"\n")
        self._keep(first)
        if not others:
            return []
        lines = [b"".join(self._torn), *others[:-1]]
        self._torn, self.torn_bytes = [], 0
        self._keep(others[-1])
        return lines

    def _keep(self, piece: bytes) -> None:
        if piece and self.torn_bytes < self._max_bytes:
            self._torn.append(piece[: self._max_bytes - self.torn_bytes])
        self.torn_bytes += len(piece)
