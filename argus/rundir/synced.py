"""`synced.json`: how much of an event file which platform has, and who is at work on it.

`delivered` says that of the platform that the run's own writer reports to, and is the writer's. This
is the same for all others, kept by whoever syncs; `sync.lock` decides who that is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argus.core.jsonl import LineSplitter, parsed_object
from argus.rundir import files, layout
from argus.rundir.lock import RunLock
from argus.rundir.media import PENDING, REFUSED, MediaList

_MAX_BYTES = 1_048_576
_READ_BYTES = 262_144


class SyncRecord:
    """The record in one directory, locked. `by` says who holds it, for whom it keeps out.

    `about` tells one file from another that came to stand at its place: what was recorded of
    another counts for nothing.
    """

    def __init__(
        self, directory: Path, lock: RunLock, private: bool, by: Mapping[str, Any], about: str
    ) -> None:
        self._directory = directory
        self._lock = lock
        self._private = private
        known = read(directory)
        self._positions = positions(known) if known.get("about", "") == about else {}
        self._head = {"by": dict(by), "about": about}
        self._write()

    @classmethod
    def take(
        cls, directory: Path, private: bool, by: Mapping[str, Any], about: str = ""
    ) -> SyncRecord | None:
        """The record of a directory, or None where somebody has it.

        Raises OSError where nothing can be written there.
        """
        lock = RunLock.acquire(directory / layout.SYNC_LOCK, private)
        if lock is None:
            return None
        try:
            return cls(directory, lock, private, by, about)
        except OSError:
            lock.release()
            raise

    @property
    def directory(self) -> Path:
        """Where it is kept."""
        return self._directory

    def position(self, url: str) -> int:
        """How many bytes the platform at `url` has."""
        return self._positions.get(url, 0)

    def save(self, url: str, position: int) -> None:
        """Write down how many it has. Raises OSError."""
        self._positions[url] = position
        self._write()

    def settled(self, url: str) -> frozenset[str]:
        """The artifacts, each by its mark, that need nothing more of the platform at `url`."""
        return settled_at(self._directory, url)

    def settle(self, url: str, mark: str, state: str, reason: str | None) -> None:
        """Note what became of an artifact. Raises OSError."""
        document = {"url": url, "mark": mark, "state": state, "reason": reason}
        line = json.dumps(document).encode("ascii")  # as for `media.jsonl`
        files.append_lines(self._directory / layout.SYNCED_MEDIA, [line], self._private)

    def release(self) -> None:
        """Let the next one have it."""
        self._lock.release()

    def remove(self) -> None:
        """Forget all of it, with the directory, which holds nothing else, and let go."""
        for name in (layout.SYNCED, layout.SYNCED_MEDIA, layout.REJECTED, layout.SYNC_LOCK):
            (self._directory / name).unlink(missing_ok=True)
        self._directory.rmdir()
        self.release()

    def _write(self) -> None:
        document = {**self._head, "positions": self._positions}
        data = json.dumps(document, indent=1).encode("ascii") + b"\n"
        files.replace(self._directory / layout.SYNCED, data, self._private, durable=False)


def read(directory: Path) -> dict[str, Any]:
    """The record as it stands, for whoever only looks; empty where there is none."""
    try:
        return parsed_object(files.read_whole(directory / layout.SYNCED, _MAX_BYTES)) or {}
    except OSError:
        return {}


def settled_at(directory: Path, url: str) -> frozenset[str]:
    """The marks of the artifacts that need nothing more of the platform at `url`."""
    found: set[str] = set()
    for document in _documents(directory / layout.SYNCED_MEDIA):
        if document.get("url") == url:
            change = found.discard if document.get("state") == PENDING else found.add
            change(str(document.get("mark")))
    return frozenset(found)


def was_refused(directory: Path) -> bool:
    """Whether a platform has ever refused an artifact of the run for good."""
    return any(
        document.get("state") == REFUSED
        for name in (layout.MEDIA, layout.SYNCED_MEDIA)
        for document in _documents(directory / name)
    )


def is_handed_in(directory: Path, size: int) -> bool:
    """Whether one platform has been handed all of a run whose events have `size` bytes."""
    marks = {each.mark_in(directory) for each in MediaList(directory, private=False).every()}
    return any(
        position >= size and marks <= settled_at(directory, url)
        for url, position in positions(read(directory)).items()
    )


def positions(record: Mapping[str, Any]) -> dict[str, int]:
    """How many bytes of the event file each platform has, by its URL."""
    found = record.get("positions")
    items = found.items() if isinstance(found, dict) else ()
    return {url: count for url, count in items if isinstance(count, int) and count > 0}


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    try:
        fd = files.open_read(path)
    except OSError:
        return
    splitter = LineSplitter()
    with os.fdopen(fd, "rb") as file:
        while chunk := file.read(_READ_BYTES):
            yield from filter(None, map(parsed_object, splitter.feed(chunk)))
