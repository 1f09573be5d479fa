"""The event file of a run: appended by its one writer, read back from any position.

Owns `events.jsonl` and its size, and `delivered`, the position that the platform has confirmed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from argus.core.jsonl import MAX_LINE_BYTES, Line, LineSplitter, read_line
from argus.rundir import files, layout

_READ_BYTES = 262_144
_MAX_POSITION_BYTES = 64  # of the file that holds it
_SHOWN_BYTES = 1_000  # of a line that is too long to be an event


class Journal:
    """`events.jsonl` and `delivered` in one run directory. For one thread at a time.

    Sizes and positions count from the first byte that the journal ever had, also once it has moved
    into another directory and left behind what was delivered.
    """

    def __init__(self, directory: Path, private: bool) -> None:
        self._directory = directory
        self._private = private
        self._fd = files.open_append(directory / layout.EVENTS, private)
        self._base = 0  # where the file begins
        end = os.fstat(self._fd).st_size
        self.size = whole_lines(self._fd, end)
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
        if self.position != self._saved_position:
            self._store(self.position - self._base)
            self._saved_position = self.position

    @property
    def file_bytes(self) -> int:
        """The size of the file as it is now."""
        return self.size - self._base

    @property
    def delivered_bytes(self) -> int:
        """How much of the file the platform has."""
        return self.position - self._base

    def drop_delivered(self) -> None:
        """Begin the file anew with what the platform does not have.

        Raises OSError where that cannot be written, or the system does not replace a file that is
        open: then the file stays as it is.
        """
        fresh = self._directory / f".{layout.EVENTS}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fd = files.open_append(fresh, self._private)
        try:
            copied = _copy(self._fd, self.delivered_bytes, self.file_bytes, fd)
            if self.position + copied < self.size:
                raise OSError(errno.EIO, "the event file has become shorter")
            self._store(0)  # first: a position beyond the end would be no position
            self._saved_position = self._base
            os.replace(fresh, self._directory / layout.EVENTS)
        except OSError:
            os.close(fd)
            fresh.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd = fd
        self._base = self._saved_position = self.position
        self._torn = False

    @property
    def is_in_place(self) -> bool:
        """Whether the file is still where it was opened: a directory can be removed under it."""
        try:
            there = os.stat(self._directory / layout.EVENTS, follow_symlinks=False)
            return os.path.samestat(there, os.fstat(self._fd))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # what cannot be looked at for now need not be gone
            return error.errno != errno.ESTALE

    def move_to(self, directory: Path, whole: bool) -> None:
        """Go on in another directory with what is not delivered, or with the `whole` file.

        Raises OSError where the disk refuses: then all is as it was.
        """
        start = self._base if whole else self.position
        fd = files.open_append(directory / layout.EVENTS, self._private)
        try:
            copied = _copy(self._fd, start - self._base, self.size - self._base, fd)
            if start + copied < self.size:
                # On NFS, once another machine has removed it, nothing more can be read: the rest
                # becomes one line that is no event, so that positions hold and the loss is counted.
                os.ftruncate(fd, self.size - start - 1)
                files.write_all(fd, b"\n")
        except OSError:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd, self._directory = fd, directory
        self._base = self._saved_position = start
        self._torn = False

    def read_from(self, offset: int) -> JournalReader:
        """A reader of the lines from `offset` on."""
        return JournalReader(self._read, offset, lambda data, at: read_line(data))

    def close(self) -> None:
        """Close the file. The journal is of no use afterwards."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self, size: int, offset: int) -> bytes:
        return files.read_at(self._fd, size, offset - self._base)

    def _cut_back(self) -> None:
        """Remove half a line that a failed write has left."""
        os.ftruncate(self._fd, self.size - self._base)
        self._torn = False

    def _store(self, position: int) -> None:
        data = b"%d\n" % position
        files.replace(self._directory / layout.DELIVERED, data, self._private, durable=False)

    def _stored_position(self) -> int:
        """The position on disk; 0, which only repeats, where that is none of this file."""
        try:
            stored = files.read_whole(self._directory / layout.DELIVERED, _MAX_POSITION_BYTES)
            position = int(stored)
        except (OSError, ValueError):
            return 0
        return position if is_position(self._fd, position, self.size) else 0


def is_position(fd: int, position: int, size: int) -> bool:
    """Whether a line ends at `position`, in a file whose whole lines have `size` bytes."""
    return 0 < position <= size and files.read_at(fd, 1, position - 1) == b"\n"


def _copy(source: int, start: int, end: int, target: int) -> int:
    """Copy bytes to the end of `target`, as far as the source can be read; how many that were."""
    at = start
    while at < end:
        try:
            piece = files.read_at(source, min(end - at, _READ_BYTES), at)
        except OSError:
            break
        if not piece:
            break
        files.write_all(target, piece)
        at += len(piece)
    return at - start


def whole_lines(fd: int, end: int) -> int:
    """The size of the whole lines among the first `end` bytes of a file."""
    while end > 0:
        start = max(end - _READ_BYTES, 0)
        newline = files.read_at(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


class JournalReader:
    """Reads whole lines from an offset on; what is appended meanwhile comes too. `parse` makes an
    event of each, and is told where in the file it stands."""

    def __init__(
        self,
        read: Callable[[int, int], bytes],
        offset: int,
        parse: Callable[[bytes, int], Line],
    ) -> None:
        self._read_at = read
        self._parse = parse
        self._splitter = LineSplitter(MAX_LINE_BYTES)
        self._lines: list[Line] = []
        self._offset = offset

    def take(self, max_events: int, max_bytes: int) -> list[Line]:
        """The next lines: up to `max_events`, and no more once they have `max_bytes` together.

        None at the end of the whole lines. Raises OSError where the file cannot be read: then the
        same lines come with the next call.
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
        """Let go of what was read ahead."""
        self._lines = []

    def _read(self) -> bool:
        """Read on. False at the end of the file."""
        chunk = self._read_at(_READ_BYTES, self._offset)
        begun = self._splitter.torn_bytes
        at = self._offset - begun
        self._offset += len(chunk)
        lines = self._splitter.feed(chunk)
        first_bytes = begun + chunk.find(b"\n")
        if lines and first_bytes > MAX_LINE_BYTES:  # only the first can have begun so long ago
            shown = lines.pop(0)[:_SHOWN_BYTES]
            too_long = Line(shown, None, first_bytes - len(shown))
            self._lines.append(too_long)
            at += too_long.size
        for line in lines:
            self._lines.append(self._parse(line, at))
            at += len(line) + 1
        return bool(chunk)
