"""Which events a batch has, each with its number, and what they add up to.

Read out of the event file when the batch is first touched, then kept up with it. The events
themselves are not kept in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Optional

from argus.core.contract import valid_events
from argus.core.jsonl import LineSplitter
from argus.core.summary import Summary
from argus.core.tally import Event, Tally
from argus.server.budget import Budget
from argus.server.lookup import Lookup
from argus.server.plain import open_plain

_READ_BYTES = 1_048_576

# Keys in memory, over all open batches: 130 MB at most. Beyond, they are looked up on disk, which
# takes some twenty microseconds more for each new one.
_keys = Budget(1_048_576)


class Index:
    """The events of one batch. Their numbers count from 1 in the order of the file, so that a
    restart gives each the same one."""

    def __init__(self, directory: Path) -> None:
        self._numbers = Lookup(directory, _keys)
        self._jobs = Lookup(directory, _keys)
        self.summary = Summary(self._jobs)

    @property
    def tally(self) -> Tally:
        """The counts alone."""
        return self.summary.tally

    @property
    def number(self) -> Callable[[bytes], Optional[int]]:
        """The number of an event, by its key; None for a new one. Good until the next `add`."""
        return self._numbers.get

    def add(self, events: Mapping[bytes, Event]) -> dict[bytes, int]:
        """Count new events that have been kept, by their keys; and return their numbers."""
        first = self.tally.n_events + 1
        numbers = dict(zip(events, range(first, first + len(events))))
        self._numbers.update(numbers)
        for event in events.values():
            self.summary.add(event)
        return numbers

    def job_keys(self) -> Iterator[bytes]:
        """The keys of all jobs, in no order."""
        return self._jobs.keys()

    def close(self) -> None:
        """Give back what it holds. It is of no use afterwards."""
        self._numbers.close()
        self._jobs.close()


def event_key(event: Event) -> bytes:
    """The id of an event, as the 16 bytes that it stands for: half the memory of its text."""
    return bytes.fromhex(event["event_id"].replace("-", ""))


def read_index(directory: Path, path: Path) -> Index:
    """The index of an event file; empty where there is none. Raises OSError."""
    index = Index(directory)
    try:
        for event in _stored_events(path):
            key = event_key(event)
            if index.number(key) is None:
                index.add({key: event})
    except BaseException:
        index.close()
        raise
    return index


def _stored_events(path: Path) -> Iterator[Event]:
    """The events of a file; whatever else stands in it is passed over, as is half a last line."""
    splitter = LineSplitter()
    try:
        file = open_plain(path)
    except FileNotFoundError:
        return
    with file:
        while chunk := file.read(_READ_BYTES):
            yield from valid_events(splitter.feed(chunk))
