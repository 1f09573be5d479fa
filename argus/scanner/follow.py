"""Following an event file as it grows: whole lines only, each once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Optional

from argus.core.contract import valid_events
from argus.core.jsonl import MAX_LINE_BYTES, LineSplitter
from argus.core.tally import Event
from argus.rundir import files

_READ_BYTES = 1_048_576
_REMEMBERED_BYTES = 512  # an event or two, with ids that no other has


class Identity(NamedTuple):
    """Which file it is: another one in its place has another."""

    device: int
    inode: int


def identity_of(info: os.stat_result) -> Identity:
    """That of a file that was looked at."""
    return Identity(info.st_dev, info.st_ino)


class Piece(NamedTuple):
    """What a file had beyond `start`. `end` is where its last whole line ends."""

    events: list[Event]
    start: int
    end: int
    size: int

    @property
    def is_last(self) -> bool:
        """Whether nothing but half a line follows, as far as was seen."""
        return self.start == self.end


class Follower:
    """Follows one file. One that became shorter, or is another file by now, is begun anew."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        """Begin at `offset`, where a line begins."""
        self._path = path
        self.offset = offset
        self.identity: Optional[Identity] = None
        self._before = b""  # what stands right before the offset

    def fits(self) -> bool:
        """Whether there stands before us what we have read: a file system gives a new file the
        number of a removed one. Raises OSError."""
        if not self._before:
            return True
        fd = files.open_read(self._path)
        try:
            return self._fits(fd)
        finally:
            os.close(fd)

    def _fits(self, fd: int) -> bool:
        begin = self.offset - len(self._before)
        return files.read_at(fd, len(self._before), begin) == self._before

    def is_other(self, identity: Identity, size: int) -> bool:
        """Whether a file that was looked at does not go on where we are."""
        return self.identity not in (None, identity) or size < self.offset

    def read(self, max_bytes: int) -> Piece:
        """The next events, about `max_bytes` of them at most; with a `start` of 0 where the file
        is begun anew. Raises OSError."""
        fd = files.open_read(self._path)
        with os.fdopen(fd, "rb", buffering=0) as file:
            info = os.fstat(fd)
            identity = identity_of(info)
            if self.is_other(identity, info.st_size) or not self._fits(fd):
                self.offset, self._before = 0, b""
            self.identity = identity
            start = self.offset
            file.seek(start)
            splitter = LineSplitter()
            lines: list[bytes] = []
            read = 0
            # On as long as no line is whole: one can be longer than what is to be read at a time.
            while (read < max_bytes or splitter.torn_bytes == read) and (
                chunk := file.read(min(_READ_BYTES, max_bytes))
            ):
                read += len(chunk)
                lines += splitter.feed(chunk)
                if splitter.torn_bytes > MAX_LINE_BYTES:  # no event is so long: read past it
                    break
            torn = 0 if splitter.torn_bytes > MAX_LINE_BYTES else splitter.torn_bytes
            self.offset = start + read - torn
            self._before = _bytes_before(fd, self.offset)
        return Piece(list(valid_events(lines)), start, self.offset, info.st_size)


def _bytes_before(fd: int, offset: int) -> bytes:
    begin = max(offset - _REMEMBERED_BYTES, 0)
    return files.read_at(fd, offset - begin, begin)
