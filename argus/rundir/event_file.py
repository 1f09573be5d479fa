"""An event file that is read and never touched: somebody else writes it, or nobody any more.

What an outbox asks of a file is stated here too: a journal has the same, and can be written.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from argus.core.jsonl import Line, parsed_object
from argus.rundir import files
from argus.rundir.journal import JournalReader, is_position, whole_lines

_MAX_TAIL_BYTES = 1_048_576  # of a last line without a newline: it may be whole all the same


class EventSource(Protocol):
    """Events in a file, and the position up to which they are delivered."""

    size: int
    position: int

    @property
    def file_bytes(self) -> int:
        """The size of the file."""

    @property
    def delivered_bytes(self) -> int:
        """How much of the file the platform has."""

    def append(self, lines: list[bytes]) -> None:
        """Append whole lines. Raises OSError."""

    def move(self, size: int) -> None:
        """The platform has `size` more bytes."""

    def save_position(self) -> None:
        """Write the position down. Raises OSError."""

    def drop_delivered(self) -> None:
        """Begin the file anew with what is not delivered. Raises OSError."""

    def read_from(self, offset: int) -> JournalReader:
        """A reader of the lines from `offset` on."""


class EventFile:
    """An `EventSource` that leaves the file alone. For one thread at a time.

    `start` is where to begin, 0 where no line ends there; `parse` makes an event of each line;
    `save` keeps a position. `is_closed`: nobody is half way through its last line, so that one
    without a newline counts where it is whole. Raises OSError where it cannot be read.
    """

    def __init__(
        self,
        path: Path,
        start: int,
        parse: Callable[[bytes, int], Line],
        save: Callable[[int], None],
        is_closed: bool,
    ) -> None:
        self._path = path
        self._parse = parse
        self._save = save
        self._is_closed = is_closed
        self._fd = files.open_read(path)
        self.look()
        begins_there = start == self._end or is_position(self._fd, start, self.size)
        self.position = self._saved = start if begins_there else 0

    def look(self) -> None:
        """See how far the file goes by now."""
        self._end = os.fstat(self._fd).st_size
        self.size = whole_lines(self._fd, self._end)
        if self._is_closed and 0 < self.torn_bytes <= _MAX_TAIL_BYTES:
            tail = files.read_at(self._fd, self.torn_bytes, self.size)
            if parsed_object(tail) is not None:
                self.size = self._end + 1  # as if it had its newline
            elif not tail.strip(b"\0"):  # blocks that were never written: a power cut leaves them
                self._end = self.size

    @property
    def torn_bytes(self) -> int:
        """How much of a last line there is that is not whole."""
        return max(self._end - self.size, 0)

    @property
    def is_in_place(self) -> bool:
        """Whether the file is still the one that was opened."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._fd))
        except OSError:
            return False

    @property
    def file_bytes(self) -> int:
        """The size of the whole lines."""
        return self.size

    @property
    def delivered_bytes(self) -> int:
        """How much of them the platform has."""
        return self.position

    def append(self, lines: list[bytes]) -> None:
        """Refuse, with an OSError."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self._path))

    def move(self, size: int) -> None:
        """The platform has `size` more bytes."""
        self.position += size

    def save_position(self) -> None:
        """Hand the position on, where it has moved."""
        if self.position != self._saved:
            self._save(min(self.position, self._end))
            self._saved = self.position

    def drop_delivered(self) -> None:
        """Refuse, with an OSError."""
        self.append([])

    def read_from(self, offset: int) -> JournalReader:
        """A reader of the lines from `offset` on."""
        return JournalReader(self._read, offset, self._parse)

    def count_left(self) -> int:
        """How many lines are not delivered. It reads all of them."""
        count, at = 0, self.position
        while piece := self._read(262_144, at):
            count += piece.count(b"\n")
            at += len(piece)
        return count

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self, size: int, offset: int) -> bytes:
        """Not beyond the whole lines: what comes meanwhile waits for the next look."""
        data = files.read_at(self._fd, max(min(size, self.size - offset), 0), offset)
        missing_newline = self.size > self._end and offset + len(data) == self._end
        return data + b"\n" if missing_newline and len(data) < size else data
