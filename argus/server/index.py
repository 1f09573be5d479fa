"""Which events a batch has, each with its number, and what they add up to.

Read out of the event file when the batch is first touched, then kept up with it. The events
themselves are not kept in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from argus.core.contract import envelope_error
from argus.core.jsonl import LineSplitter, parsed_object
from argus.server.tally import Event, Tally

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_READ_BYTES = 1_048_576


class Index:
    """The events of one batch. Their numbers count from 1 in the order of the file, so that a
    restart gives each the same one."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._numbers: dict[int, int] = {}

    def number(self, key: int) -> int | None:
        """The number of an event; None for a new one."""
        return self._numbers.get(key)

    def add(self, key: int, event: Event) -> int:
        """Count an event that has been kept. One that is known changes nothing."""
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        if number > self.tally.n_events:
            self.tally.add(event)
        return number


def event_key(event: Event) -> int:
    """The id of an event, as the 128 bits that it stands for: a third of the memory of its text."""
    return int(event["event_id"].replace("-", ""), 16)


def read_index(path: Path) -> Index:
    """The index of an event file; empty where there is none. Raises OSError."""
    index = Index()
    for event in _stored_events(path):
        index.add(event_key(event), event)
    return index


def _stored_events(path: Path) -> Iterator[Event]:
    """The events of a file; whatever else stands in it is passed over, as is half a last line."""
    splitter = LineSplitter()
    try:
        fd = os.open(path, _READ)
    except FileNotFoundError:
        return
    with os.fdopen(fd, "rb") as file:
        while chunk := file.read(_READ_BYTES):
            for line in splitter.feed(chunk):
                event = parsed_object(line)
                if event is not None and envelope_error(event) is None:
                    yield event
