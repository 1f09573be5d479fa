"""`logs/output.log` of a run that is kept: what its processes have printed, line by line.

Opened for appending by the run's process and by those forked from it. Lines wait in memory, up to a
bound, while there is no directory or the disk refuses.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from argus.rundir import files, layout

MAX_BYTES = 268_435_456
MAX_WAITING_BYTES = 4_194_304
_COPY_BYTES = 262_144


class OutputLog:
    """The file, for one thread at a time. It follows its run into another directory."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._waiting: list[bytes] = []  # whole lines, but for the first where a write was cut off
        self._waiting_bytes = 0
        self._path: Path | None = None
        self._fd = -1
        self.omitted = 0  # lines that are not in the file, and will not be

    @property
    def is_written(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def put(self, lines: Sequence[bytes]) -> None:
        """Take lines, without their newlines."""
        for line in lines:
            if self._waiting_bytes + len(line) >= MAX_WAITING_BYTES:
                self.omitted += 1
            else:
                self._waiting.append(line + b"\n")
                self._waiting_bytes += len(line) + 1

    def write(self, directory: Path) -> None:
        """Write what waits into the run at `directory`. Raises OSError; then the rest still waits."""
        if not self._waiting:
            return
        self._open(directory / layout.LOGS / layout.OUTPUT)
        room = self._max_bytes - os.fstat(self._fd).st_size
        if self._waiting_bytes > room:
            self._leave_out(room)
        self._append()

    def close(self, directory: Path | None) -> None:
        """Let go of the file, with a word about what is not in it. Raises OSError as `write` does."""
        try:
            if directory is not None:
                self.write(directory)
            if self._fd >= 0 and self.omitted:
                note = f"[argus: {self.omitted} lines are not in this file]\n"
                files.write_all(self._fd, note.encode())
        finally:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _leave_out(self, room: int) -> None:
        fitting = 0
        for line in self._waiting:
            if len(line) > room:
                break
            room -= len(line)
            fitting += 1
        self.omitted += len(self._waiting) - fitting
        del self._waiting[fitting:]

    def _append(self) -> None:
        data = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        try:
            while data:
                # In one piece, so that lines of two processes do not mix.
                data = data[os.write(self._fd, data) :]
        finally:
            if data:
                self._waiting, self._waiting_bytes = data.splitlines(True), len(data)

    def _open(self, path: Path) -> None:
        if self._fd >= 0 and path == self._path and _is_at(path, self._fd):
            return
        # Not what is above it: a run that was removed shall not come back as a directory of logs.
        try:
            path.parent.mkdir(files.SHARED_DIR)
        except FileExistsError:
            pass
        fd = files.open_append(path, private=False)
        before, self._fd = self._fd, fd
        try:
            # Unless another process of the run has been here with it.
            if before >= 0 and not os.fstat(fd).st_size:
                _copy(before, fd)
        finally:
            if before >= 0:
                os.close(before)
            self._path = path


def _is_at(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
    except FileNotFoundError:
        return False


def _copy(source: int, target: int) -> None:
    """What a removed file still holds, as long as it is open."""
    at = 0
    while True:
        piece = files.read_at(source, _COPY_BYTES, at)
        if not piece:
            return
        files.write_all(target, piece)
        at += len(piece)
