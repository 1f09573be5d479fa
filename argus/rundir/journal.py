"""The event file of a run: appended by its one writer, read back from any position.

Owns `events.jsonl` and its size, and `delivered`, the position that the platform has confirmed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from argus.core.jsonl import Line, LineSplitter
from argus.rundir import files, layout

_READ_BYTES = 262_144


class Journal:
    """`events.jsonl` and `delivered` in one run directory. For one thread at a time."""

    def __init__(self, directory: Path, private: bool) -> None:
        self._directory = directory
        self._private = private
        self._fd = files.open_append(directory / layout.EVENTS, private)
        end = os.fstat(self._fd).st_size
        self.size = _whole_lines(self._fd, end)
        self._torn = self.size < end  # what a killed writer left of a line: cut off before more
        self.position = self._saved_position = self._stored_position()

    def append(self, lines: list[bytes]) -> None:
        """Append whole lines. Raises OSError where the disk refuses: then none of them is in."""
        data = b"\n".join(lines) + b"\n" if lines else b""
        if self._torn:
            self._cut_back()
        try:
            files.write_all(self._fd, data)
        except OSError:
            self._torn = True
            self._cut_back()
            raise
        self.size += len(data)

    def move(self, size: int) -> None:
        """The platform has `size` more bytes."""
        self.position += size

    def save_position(self) -> None:
        """Write the position down, where it has moved.

        Not made durable: after a power cut an old position only means that events are sent
        again, and the platform knows them by their ids.
        """
        if self.position == self._saved_position:
            return
        data = b"%d\n" % self.position
        files.replace(self._directory / layout.DELIVERED, data, self._private, durable=False)
        self._saved_position = self.position

    def drop_delivered(self) -> int:
        """Begin the file anew with what the platform does not have. Returns how many bytes went.

        Raises OSError where that cannot be written, or the system does not replace a file that is
        open: then the file stays as it is.
        """
        fresh = self._directory / f".{layout.EVENTS}.{os.getpid()}"
        dropped = self.position
        fresh.unlink(missing_ok=True)
        fd = files.open_append(fresh, self._private)
        try:
            self._copy_undelivered(fd)
            self.position = 0
            self.save_position()  # first: a position beyond the end would be no position
            os.replace(fresh, self._directory / layout.EVENTS)
        except OSError:
            self.position = dropped
            os.close(fd)
            fresh.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd = fd
        self._torn = False
        self.size -= dropped
        return dropped

    def _copy_undelivered(self, fd: int) -> None:
        offset = self.position
        while offset < self.size:
            piece = files.read_at(self._fd, min(_READ_BYTES, self.size - offset), offset)
            if not piece:
                raise OSError(errno.EIO, "the event file has become shorter")
            files.write_all(fd, piece)
            offset += len(piece)

    def read_from(self, offset: int, parse: Callable[[bytes], Line]) -> JournalReader:
        """A reader of the lines from `offset` on. `parse` makes of each what it is."""
        return JournalReader(os.dup(self._fd), offset, parse)

    def close(self) -> None:
        """Close the file. The journal is of no use afterwards."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _cut_back(self) -> None:
        """Remove half a line that a failed write has left."""
        os.ftruncate(self._fd, self.size)
        self._torn = False

    def _stored_position(self) -> int:
        """The position on disk; 0, which only repeats, where that is none of this file."""
        try:
            position = int((self._directory / layout.DELIVERED).read_bytes())
        except (OSError, ValueError):
            return 0
        if not 0 < position <= self.size:
            return 0
        return position if files.read_at(self._fd, 1, position - 1) == b"\n" else 0


def _whole_lines(fd: int, end: int) -> int:
    """The size of the whole lines among the first `end` bytes of a file."""
    while end > 0:
        start = max(end - _READ_BYTES, 0)
        newline = files.read_at(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


class JournalReader:
    """Reads whole lines from an offset on; what is appended meanwhile comes too."""

    def __init__(self, fd: int, offset: int, parse: Callable[[bytes], Line]) -> None:
        self._fd = fd
        self._parse = parse
        self._splitter = LineSplitter()
        self._lines: list[Line] = []
        self._read_at = offset

    def take(self, max_events: int, max_bytes: int) -> list[Line]:
        """The next lines: up to `max_events`, and no more once they have `max_bytes` together.

        None at the end of the whole lines.
        """
        count = size = 0
        while (
            count < max_events and size < max_bytes and (count < len(self._lines) or self._read())
        ):
            if count < len(self._lines):
                size += self._lines[count].size
                count += 1
        taken, self._lines = self._lines[:count], self._lines[count:]
        return taken

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _read(self) -> bool:
        """Read on. False at the end of the file."""
        chunk = files.read_at(self._fd, _READ_BYTES, self._read_at)
        self._read_at += len(chunk)
        self._lines += [self._parse(line) for line in self._splitter.feed(chunk)]
        return bool(chunk)
