"""The columns of runs on demand: read once, kept for as long as there is room, shared by all who
ask."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.rundir import layout, sidecar
from argus.rundir.view import dead_letters
from argus.scanner.columns import Columns
from argus.scanner.follow import Follower, Identity

CHUNK_BYTES = 1_048_576  # of an event file; some hundred kilobytes of columns
KEPT_BYTES = 134_217_728
_MAX_SMALL = 64  # chunks of a live run, before they are made anew in one
_MAX_REJECTED = 200
_WHOLE = 4  # runs whose columns are kept whole


class _Chunk(NamedTuple):
    start: int
    end: int
    line: bytes  # JSON, with its newline


class _Run:
    """The chunks of one event file, each beginning where the last one ended."""

    def __init__(self, path: Path) -> None:
        self.reading = threading.Lock()
        self.follower = Follower(path)
        self.chunks: list[_Chunk] = []
        self.by_start: dict[int, int] = {}
        self.kept_bytes = 0

    def forget(self) -> None:
        self.chunks.clear()
        self.by_start.clear()
        self.kept_bytes = 0


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
        run = self._run(path)
        at = start
        size = os.stat(path / layout.EVENTS).st_size
        if at > size:
            yield b'{"type":"reset"}\n'
            at = 0
        identity: Optional[Identity] = None
        while True:
            chunk, seen = self._chunk(run, path, at)
            if identity not in (None, seen):
                yield b'{"type":"reset"}\n'
                at, identity = 0, seen
                continue
            identity = seen
            if chunk is None:
                break
            yield chunk.line
            at = chunk.end
            if at >= size:  # as far as it went when it was asked for; the rest is news
                break
        yield _line({"type": "done", "offset": at})

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
            self._runs.pop(str(path), None)
            self._whole.pop(str(path), None)

    def _run(self, path: Path) -> _Run:
        with self._guard:
            run = self._runs.setdefault(str(path), _Run(path / layout.EVENTS))
            self._runs.move_to_end(str(path))
            others = [each for each in self._runs.values() if each is not run]
            while others and sum(each.kept_bytes for each in self._runs.values()) > KEPT_BYTES:
                self._runs.popitem(last=False)
                others.pop(0)
            return run

    def _chunk(self, run: _Run, path: Path, at: int) -> tuple[Optional[_Chunk], Identity]:
        """The chunk that begins at `at`; None at the end of the file."""
        with run.reading:
            self._look(run, path)
            index = run.by_start.get(at)
            if index is not None:
                return run.chunks[index], run.follower.identity or Identity(0, 0)
            is_next = at == run.follower.offset
            follower = run.follower if is_next else Follower(path / layout.EVENTS, at)
            chunk = _read_chunk(follower)
            if chunk is not None and is_next and run.kept_bytes < KEPT_BYTES:
                run.by_start[chunk.start] = len(run.chunks)
                run.chunks.append(chunk)
                run.kept_bytes += len(chunk.line)
            return chunk, follower.identity or Identity(0, 0)

    @staticmethod
    def _look(run: _Run, path: Path) -> None:
        """Forget what is kept of another file, or has come in too many small pieces."""
        small = sum(chunk.end - chunk.start < CHUNK_BYTES // 16 for chunk in run.chunks)
        if run.follower.is_other(os.stat(path / layout.EVENTS)) or small > _MAX_SMALL:
            run.forget()
            run.follower = Follower(path / layout.EVENTS)


class _Whole:
    """All columns of one run, kept up with its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.Lock()
        self._follower = Follower(path / layout.EVENTS)
        self._columns = Columns()
        self._told: Optional[tuple[int, bytes]] = None

    def read(self) -> bytes:
        with self._reading:
            while True:
                piece = self._follower.read(CHUNK_BYTES)
                if piece.start == 0 and piece.end:
                    self._columns = Columns()
                self._columns.add(piece.events)
                if piece.is_last:
                    break
            beside = _beside(self._path)
            document = {"offset": self._follower.offset, **self._columns.document(), **beside}
            return _line(document)


def _beside(path: Path) -> dict[str, Any]:
    """What a page shows of a run beside its numbers."""
    dropped = sidecar.read(path).get("dropped")
    return {
        "rejected": [_dead_letter(each) for each in dead_letters(path)[:_MAX_REJECTED]],
        "dropped": dropped if isinstance(dropped, dict) else {},
    }


def _dead_letter(document: dict[str, Any]) -> dict[str, Any]:
    event = document.get("event")
    told = event if isinstance(event, dict) else {}
    shown = {name: told.get(name) for name in ("event_type", "job_id", "timestamp")}
    return {"reason": document.get("reason"), **shown}


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
