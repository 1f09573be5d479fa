"""The events of one run between the encoder and the platform, in order, on disk and in memory.

What is put is appended to the journal first. It is handed out from memory while delivery keeps up,
and read back from the file when it does not, so that an outage costs disk and not memory. Where the
disk refuses, events stay in memory until it takes them or they are delivered.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from argus.core.batching import MAX_REQUEST_BYTES, Backlog
from argus.core.jsonl import Line, own_line, total_size
from argus.rundir.event_file import EventSource
from argus.rundir.journal import JournalReader

_MAX_READY_BYTES = 4_194_304  # in memory, beside the file
_MAX_UNWRITTEN_BYTES = 16_777_216  # in memory alone
_SAVE_S = 0.5
# A file that is not kept begins anew without what is delivered, once that is so much, and no less
# than the rest, which has to be copied.
_DROP_BYTES = 16_777_216


class Outbox:
    """One run's way out. `journal` is None where no directory can be had. `trouble` is told each
    time the disk refuses."""

    def __init__(
        self,
        journal: EventSource | None,
        max_bytes: int,
        kept: bool,
        sends: bool,
        trouble: Callable[[OSError], None],
    ) -> None:
        self._journal = journal
        self._max_bytes = max_bytes
        self._kept = kept
        self._sends = sends
        self._trouble = trouble
        self._ready: deque[Line] = deque()  # the next to be sent; all of them are in the file
        self._ready_bytes = 0
        self._unwritten: deque[Line] = deque()  # after everything in the file
        self._unwritten_bytes = 0
        self._cursor = journal.position if journal else 0  # the file is taken or ready up to here
        self._reader: JournalReader | None = None  # while behind
        self._handed: deque[_Handed] = deque()  # taken and not confirmed
        self._save_at = 0.0
        self._drop_at = _DROP_BYTES
        self._since = 0.0
        self._urgent = False
        self.put_bytes = 0  # all that ever came
        self.confirmed_bytes = 0  # all that the platform has, or will never take

    # Coming in

    @property
    def has_room(self) -> bool:
        """Whether more may be put. Only a disk that refuses ever makes it scarce."""
        return self._unwritten_bytes < _MAX_UNWRITTEN_BYTES

    @property
    def is_full(self) -> bool:
        """Whether the file has reached its greatest size: only lifecycle events may still come."""
        return self._journal is not None and self._journal.file_bytes >= self._max_bytes

    def put(self, lines: Iterable[bytes], now: float, urgent: bool) -> None:
        """Take wire lines in. `now` is monotonic; urgent ones do not linger."""
        if self._is_empty:
            self._since = now
        self._urgent = self._urgent or urgent
        fresh = [own_line(data) for data in lines]
        size = total_size(fresh)
        self._unwritten += fresh
        self._unwritten_bytes += size
        self.put_bytes += size
        self.write_down()

    def write_down(self) -> bool:
        """Append to the file what is not in it. False where the disk refuses, for now."""
        handed = [each for each in self._handed if each.unwritten]
        if not self._unwritten and not handed:
            return True
        if self._journal is None:
            return False
        keeping_up = self._cursor == self._journal.size
        taken = [line for each in handed for line in each.unwritten]
        try:
            self._journal.append([line.data for line in (*taken, *self._unwritten)])
        except OSError as error:
            self._trouble(error)
            return False
        for each in handed:
            each.unwritten.clear()
        self._cursor += total_size(taken)
        if keeping_up and self._sends and self._ready_bytes < _MAX_READY_BYTES:
            self._ready += self._unwritten
            self._ready_bytes += self._unwritten_bytes
            self._cursor = self._journal.size
        self._unwritten.clear()
        self._unwritten_bytes = 0
        return True

    # Going out

    def backlog(self) -> Backlog | None:
        """What waits to be taken; None where nothing does."""
        if self._is_empty or not self._sends:
            return None
        behind = self._journal.size - self._cursor if self._journal else 0
        return Backlog(
            len(self._ready) + len(self._unwritten),
            self._ready_bytes + self._unwritten_bytes + behind,
            self._since,
            self._urgent,
        )

    def take(self, most: int) -> list[Line]:
        """Up to `most` of the next lines, not many more than fill a request.

        Raises OSError where the file cannot be read; nothing is taken then.
        """
        if most <= 0:
            return []
        in_file = True
        if self._ready:
            taken = _pop(self._ready, most)
            self._ready_bytes -= total_size(taken)
        elif self._journal is not None and self._cursor < self._journal.size:
            taken = self._read_back(self._journal, most)
        else:
            in_file = False
            taken = _pop(self._unwritten, most)
            self._unwritten_bytes -= total_size(taken)
        if taken:
            self._handed.append(_Handed(total_size(taken), [] if in_file else taken))
        self._urgent = self._urgent and not self._is_empty
        return taken

    def confirm(self, size: int) -> None:
        """The first `size` bytes of what was taken need nothing more."""
        self.confirmed_bytes += size
        moved = 0
        while size:
            first = self._handed[0]
            part = min(size, first.size)
            size -= part
            moved += 0 if first.unwritten else part
            first.settle(part)
            if not first.size:
                self._handed.popleft()
        if self._journal is None:
            return
        self._journal.move(moved)
        delivered = self._journal.delivered_bytes
        is_most = 2 * delivered >= self._journal.file_bytes
        if not self._kept and delivered >= self._drop_at and is_most:
            self._drop_delivered(self._journal)

    def save_position(self, now: float) -> None:
        """Write down how far delivery is, now and then: replacing a file waits for some disks, and
        a position that is a little old only has events sent twice, which the platform notices."""
        if self._journal is not None and now >= self._save_at:
            self._save_at = now + _SAVE_S
            with self._telling_trouble():
                self._journal.save_position()

    def close(self) -> None:
        """Hand nothing out any more."""
        self._stop_reading()
        self.save_position(math.inf)

    @property
    def is_delivered(self) -> bool:
        """Whether everything that came has been confirmed."""
        return self._is_empty and not any(handed.size for handed in self._handed)

    @property
    def is_written(self) -> bool:
        """Whether everything that came is in the file or confirmed."""
        return not self._unwritten and not any(handed.unwritten for handed in self._handed)

    @property
    def _is_empty(self) -> bool:
        behind = self._journal is not None and self._cursor < self._journal.size
        return not self._ready and not self._unwritten and not behind

    def _read_back(self, journal: EventSource, most: int) -> list[Line]:
        if self._reader is None:
            self._reader = journal.read_from(self._cursor)
        taken = self._reader.take(most, MAX_REQUEST_BYTES)
        self._cursor += total_size(taken)
        if self._cursor >= journal.size or not taken:
            self._cursor = journal.size
            self._stop_reading()
        return taken

    def _drop_delivered(self, journal: EventSource) -> None:
        try:
            journal.drop_delivered()
            self._drop_at = _DROP_BYTES
        except OSError as error:
            self._drop_at = 2 * journal.delivered_bytes  # and not with each request that comes
            self._trouble(error)

    def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @contextmanager
    def _telling_trouble(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._trouble(error)


class _Handed:
    """Some lines that were taken together: how much of them is not confirmed, and which of that
    only memory has."""

    __slots__ = ("size", "unwritten")

    def __init__(self, size: int, unwritten: Iterable[Line]) -> None:
        self.size = size
        self.unwritten = deque(unwritten)

    def settle(self, size: int) -> None:
        self.size -= size
        while self.unwritten and size > 0:
            size -= self.unwritten.popleft().size


def _pop(lines: deque[Line], most: int) -> list[Line]:
    taken: list[Line] = []
    size = 0
    for _ in range(min(most, len(lines))):
        line = lines.popleft()
        taken.append(line)
        size += len(line.data) + 1
        if size >= MAX_REQUEST_BYTES:
            break
    return taken
