"""The columns of runs on demand: read once, kept for as long as there is room, shared by all who
ask."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.rundir import files, layout, sidecar
from argus.rundir.view import dead_letters
from argus.scanner.columns import Columns
from argus.scanner.follow import Follower, Identity, identity_of
from argus.scanner.row import counts_of

CHUNK_BYTES = 1_048_576  # of an event file; some hundred kilobytes of columns
KEPT_BYTES = 134_217_728
_SMALL_BYTES = CHUNK_BYTES // 16
_MAX_SMALL = 64  # chunks of a live run, before they are made anew in one
_MAX_REJECTED = 200
_WHOLE = 2  # runs whose columns are kept whole
_RESET = b'{"type":"reset"}\n'
_MAX_TOLD_BYTES = 33_554_432  # of such a run as JSON


class _Chunk(NamedTuple):
    start: int
    end: int
    line: bytes  # JSON, with its newline


class _Run:
    """The chunks of one event file, each beginning where the last one ended. `reading` guards it."""

    def __init__(self, path: Path) -> None:
        self.reading = threading.Lock()
        self.is_kept = True  # until others want the room
        self.kept_bytes = 0
        self._path = path
        self._begin()

    def look(self, info: os.stat_result) -> None:
        """Forget what is of another file than the one that was looked at, or is not to be kept."""
        is_other = self._follower.is_other(identity_of(info), info.st_size)
        if is_other or not self._follower.fits() or not self.is_kept:
            self._begin()

    def chunk(self, at: int) -> Optional[_Chunk]:
        """The chunk that begins at `at`; None at the end of the file. Raises OSError."""
        index = self._by_start.get(at)
        if index is not None:
            return self._chunks[index]
        if at != self._follower.offset or not self.is_kept or self.kept_bytes > KEPT_BYTES:
            return _read_chunk(Follower(self._path, at))
        chunk = _read_chunk(self._follower)
        if chunk is not None and chunk.start == at:
            self._keep(chunk)
            if self._n_small > _MAX_SMALL:
                self._join_small()
        return chunk

    def _begin(self) -> None:
        self._follower = Follower(self._path)
        self._chunks: list[_Chunk] = []
        self._by_start: dict[int, int] = {}
        self._n_small = 0  # of the last ones
        self.kept_bytes = 0

    def _keep(self, chunk: _Chunk) -> None:
        self._by_start[chunk.start] = len(self._chunks)
        self._chunks.append(chunk)
        self.kept_bytes += len(chunk.line)
        self._n_small = self._n_small + 1 if chunk.end - chunk.start < _SMALL_BYTES else 0

    def _join_small(self) -> None:
        """Make what has come in many small pieces anew in few: who comes next gets it at once."""
        small, self._chunks = self._chunks[-self._n_small :], self._chunks[: -self._n_small]
        for each in small:
            del self._by_start[each.start]
            self.kept_bytes -= len(each.line)
        self._n_small = 0
        self._follower = Follower(self._path, small[0].start)
        while self._follower.offset < small[-1].end:
            chunk = _read_chunk(self._follower)
            if chunk is None or chunk.start < small[0].start:  # another file by now
                self._begin()
                return
            self._keep(chunk)


class Metrics:
    """Columns of any run. For any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._runs: OrderedDict[str, _Run] = OrderedDict()  # the one asked for last comes last
        self._whole: OrderedDict[str, _Whole] = OrderedDict()

    def stream(self, path: Path, start: int) -> Iterator[bytes]:
        """Lines of JSON with the columns of the events from byte `start` on, piece by piece, and
        at the end one that says up to where. One that says `reset` comes first where the file
        is another one than that in which `start` was told. Raises OSError."""
        events = path / layout.EVENTS
        run, at = self._run(events), start
        size = _size_of(events)
        if at > size or not _begins_line(events, at):
            yield _RESET
            at = 0
        identity: Optional[Identity] = None
        while at < size:  # as far as it went when it was asked for; the rest is news
            with run.reading:
                info = os.stat(events, follow_symlinks=False)
                run.look(info)
                is_other = identity not in (None, identity_of(info)) or info.st_size < at
                chunk = None if is_other else run.chunk(at)
            if is_other or (chunk is not None and chunk.start != at):
                yield _RESET
                at, identity = 0, None
                continue
            if chunk is None:
                break
            identity = identity_of(info)
            self._make_room(run)
            yield chunk.line
            at = chunk.end
        yield _line({"type": "done", "offset": at, **_beside(path)})

    def whole(self, path: Path) -> bytes:
        """All columns of a run, and what a page shows beside them, as JSON. Raises OSError."""
        with self._guard:
            whole = self._whole.setdefault(str(path), _Whole(path))
            self._whole.move_to_end(str(path))
            while len(self._whole) > _WHOLE:
                self._whole.popitem(last=False)
        return whole.read()

    def forget(self, path: Path) -> None:
        """Give back what is kept of a run that is gone."""
        with self._guard:
            self._runs.pop(str(path / layout.EVENTS), None)
            self._whole.pop(str(path), None)

    def _run(self, events: Path) -> _Run:
        with self._guard:
            run = self._runs.setdefault(str(events), _Run(events))
            self._runs.move_to_end(str(events))
            return run

    def _make_room(self, run: _Run) -> None:
        """Let go of the runs that nobody has asked for in a while, where `run` wants their room."""
        with self._guard:
            kept = sum(each.kept_bytes for each in self._runs.values())
            while kept > KEPT_BYTES and (oldest := next(iter(self._runs.values()))) is not run:
                self._runs.popitem(last=False)
                oldest.is_kept = False
                kept -= oldest.kept_bytes


class _Whole:
    """All columns of one run, kept up with its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.Lock()
        self._follower = Follower(path / layout.EVENTS)
        self._columns = Columns()
        self._told: tuple[Any, bytes] = (None, b"")

    def read(self) -> bytes:
        with self._reading:
            if _size_of(self._path / layout.EVENTS):
                self._read_on()
            else:
                self._follower, self._columns = Follower(self._path / layout.EVENTS), Columns()
            offset, beside = self._follower.offset, _beside(self._path)
            state = (self._follower.identity, offset, beside)
            if self._told[0] == state:
                return self._told[1]
            data = _line({"offset": offset, **self._columns.document(), **beside})
            self._told = (state, data) if len(data) <= _MAX_TOLD_BYTES else (None, b"")
            return data

    def _read_on(self) -> None:
        while True:
            piece = self._follower.read(CHUNK_BYTES)
            if piece.start == 0:
                self._columns = Columns()
            self._columns.add(piece.events)
            if piece.is_last:
                return


def _beside(path: Path) -> dict[str, Any]:
    """What a page shows of a run beside its numbers."""
    return {
        "rejected": [_dead_letter(each) for each in dead_letters(path)[:_MAX_REJECTED]],
        "dropped": counts_of(sidecar.read(path).get("dropped")),
    }


def _dead_letter(document: dict[str, Any]) -> dict[str, Any]:
    event = document.get("event")
    told = event if isinstance(event, dict) else {}
    shown = {name: told.get(name) for name in ("event_type", "job_id", "timestamp")}
    texts = {"reason": document.get("reason"), **shown}.items()
    return {name: text if isinstance(text, str) else None for name, text in texts}


def _size_of(events: Path) -> int:
    """The size of an event file; 0 where there is none, or something else in its place."""
    try:
        info = os.stat(events, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return info.st_size if stat.S_ISREG(info.st_mode) else 0


def _begins_line(events: Path, at: int) -> bool:
    """Whether a line begins at that byte: an offset that was told of this file is such a one."""
    if at == 0:
        return True
    fd = files.open_read(events)
    try:
        return files.read_at(fd, 1, at - 1) == b"\n"
    finally:
        os.close(fd)


def _read_chunk(follower: Follower) -> Optional[_Chunk]:
    piece = follower.read(CHUNK_BYTES)
    if piece.is_last:
        return None
    columns = Columns()
    columns.add(piece.events)
    document = {"type": "chunk", **columns.document(), "offset": piece.end, "size": piece.size}
    return _Chunk(piece.start, piece.end, _line(document))


def _line(document: dict[str, Any]) -> bytes:
    return (
        json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n"
    )
