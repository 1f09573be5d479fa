"""One run directory as a reader sees it: what it is, how it is, what its events add up to.

Nothing is written and no lock is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Optional

from argus.core.contract import valid_events
from argus.core.jsonl import LineSplitter, parsed_object
from argus.core.state import ENDED, Signs, run_state
from argus.core.statuses import RUNNING
from argus.core.summary import Summary
from argus.core.tally import Event
from argus.rundir import edits, files, layout, lock, sidecar, synced, writer
from argus.rundir.edits import Edits
from argus.rundir.media import MediaList

WRITTEN_BY_MONITOR = "monitor"  # in a sidecar: events come there from elsewhere, one by one

_READ_BYTES = 1_048_576
_MAX_POSITION_BYTES = 64
_MAX_REJECTED_BYTES = 16_777_216
# A batch that sends nothing for three heartbeats is shown as stalled; see `core.intervals`.
_FORWARDED_BEAT_S = 300.0
_BEAT_S = 30.0


class NoRunError(OSError):
    """There is no run at that path."""


class View(NamedTuple):
    """A run at one moment."""

    path: Path
    sidecar: dict[str, Any]
    state: str
    summary: dict[str, Any]  # see Summary.document
    edits: Edits
    events_bytes: int
    heard_at: float  # seconds since the epoch: the last sign of life
    delivered: Optional[bool]  # None where no platform is meant to get it

    @property
    def batch_id(self) -> str:
        """The id of its batch; its directory's name where the sidecar does not say."""
        batch_id = self.sidecar.get("batch_id")
        return batch_id if isinstance(batch_id, str) and batch_id else self.path.name

    @property
    def started_at(self) -> str | None:
        """When it began, `2026-04-22T09:23:06Z`."""
        for told in (self.sidecar.get("created_at"), self.summary.get("started_at")):
            if isinstance(told, str):
                return told
        return None

    @property
    def is_part(self) -> bool:
        """Whether it holds what another process has added to a batch: a fork, or a rank."""
        return self.sidecar.get("joins") is True or not self.summary["is_started"]


def look(path: Path, wall_now: float) -> View:
    """The run at `path`. Reads what the event file has beyond the sidecar's sums.

    Raises NoRunError where there is none, OSError where it cannot be read.
    """
    described = sidecar.read(path)
    events = path / layout.EVENTS
    try:
        info = os.stat(events, follow_symlinks=False)
        size, written_at = info.st_size, info.st_mtime
    except FileNotFoundError:
        if not described:
            raise NoRunError(f"{path} is no run: there is no {layout.EVENTS} in it") from None
        size, written_at = 0, 0.0
    summary = summed_up(events, described, size)
    heard_at = max(_modified_at(path / layout.HEARTBEAT), written_at)
    return View(
        path=path,
        sidecar=described,
        state=state_by(path, described, summary.tally.status, wall_now - heard_at),
        summary=summary.document(),
        edits=edits.read(path),
        events_bytes=size,
        heard_at=heard_at,
        delivered=is_delivered(path, described, size),
    )


def summed_up(events: Path, described: dict[str, Any], size: int) -> Summary:
    """The sums of an event file, those of the sidecar taken up. Raises OSError."""
    summary, known = taken_up(described, size)
    if known < size:
        for event in read_events(events, known):
            summary.add(event)
    return summary


def taken_up(described: dict[str, Any], size: int) -> tuple[Summary, int]:
    """The sums that a sidecar tells, and how much they cover of an event file of that size.

    All of it where it should be larger: a writer has begun it anew, without what is delivered.
    """
    known = described.get("events_bytes")
    if type(known) is not int or known < 0:
        return Summary.resumed({**described, "n_events": 0, "n_jobs": 0, "jobs": []}), 0
    return Summary.resumed(described), min(known, size)


def read_events(path: Path, start: int = 0) -> Iterator[Event]:
    """The valid events of a file from a byte on. What else stands in it is passed over, and so is
    half a last line. Raises OSError."""
    fd = files.open_read(path)
    with os.fdopen(fd, "rb") as file:
        file.seek(start)
        yield from _events(file)


def _events(file: BinaryIO) -> Iterator[Event]:
    splitter = LineSplitter()
    while chunk := file.read(_READ_BYTES):
        yield from valid_events(splitter.feed(chunk))


def state_of(path: Path, wall_now: float) -> str:
    """The state of a run by its sidecar and its signs of life alone. Raises OSError."""
    described = sidecar.read(path)
    told = described.get("status")
    heard_at = max(_modified_at(path / layout.HEARTBEAT), _modified_at(path / layout.EVENTS))
    return state_by(
        path, described, told if isinstance(told, str) else RUNNING, wall_now - heard_at
    )


def state_by(path: Path, described: dict[str, Any], told: str, silence_s: float) -> str:
    """The state of a run that its own files call `told`, and that has been silent for so long."""
    if described.get("written_by") == WRITTEN_BY_MONITOR:  # whose own life says nothing of the run
        return run_state(told, Signs(None, silence_s, _FORWARDED_BEAT_S), holds_lock=None)
    beat_s: Any = described.get("heartbeat_s")
    if type(beat_s) not in (int, float) or not 0 < beat_s < 86_400:
        beat_s = _BEAT_S
    signs = Signs(writer.lives(described), silence_s, beat_s)
    holds_lock = None
    if told not in ENDED and signs.is_silent and signs.lives is not False:
        holds_lock = lock.is_held(path / layout.LOCK)
    return run_state(told, signs, holds_lock)


def is_delivered(path: Path, described: dict[str, Any], size: int) -> bool | None:
    """Whether a platform has all of a run; None where none is meant to get it."""
    if described.get("written_by") == WRITTEN_BY_MONITOR:
        return None
    try:
        position = int(files.read_whole(path / layout.DELIVERED, _MAX_POSITION_BYTES))
    except (OSError, ValueError):
        position = 0
    if position >= size and not MediaList(path, private=False).pending():
        return True
    return synced.is_handed_in(path, size)


def dead_letters(path: Path) -> list[dict[str, Any]]:
    """The dead letters of a run, as far as they can be read."""
    try:
        data = files.read_whole(path / layout.REJECTED, _MAX_REJECTED_BYTES)
    except OSError:
        return []
    return [found for line in data.splitlines() if (found := parsed_object(line)) is not None]


def _modified_at(path: Path) -> float:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime
    except OSError:
        return 0.0
