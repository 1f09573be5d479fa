"""Taking an item in hand: whose it is to deliver, from which position, and where that is kept.

A run directory that nobody writes is taken with its lock, as a reporter takes what a dead one has
left. One that is being written, or cannot be, is read alone.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argus.core.events import utc_second
from argus.core.identity import short_hash
from argus.core.jsonl import Line
from argus.core.statuses import RUNNING
from argus.rundir import files, layout, writer
from argus.rundir.event_file import EventFile
from argus.rundir.media import PENDING, Artifact, MediaList
from argus.rundir.run import RunDirectory
from argus.rundir.synced import SyncRecord, read
from argus.rundir.view import state_of
from argus.sync.finding import Item, batch_and_project, stored_position
from argus.sync.foreign import event_line
from argus.sync.task import Task

# What says that a directory cannot be written, rather than that something is wrong with it.
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
_FINGERPRINT_BYTES = 4_096


class PassedOverError(Exception):
    """The item is not for this sync to deliver, at least for now; the message says why."""


class BusyError(PassedOverError):
    """Another sync has it."""


class Hand:
    """One item in hand: what is locked, and the file that is read. To be let go of by `release`."""

    def __init__(self, item: Item, task: Task, knows: Callable[[str], bool]) -> None:
        """`knows` says whether the platform knows a batch. Raises PassedOverError, OSError."""
        os.stat(item.events)  # first: nothing is left where there is nothing to deliver
        self.item = item
        self._task = task
        self.run: RunDirectory | None = None
        self._file: EventFile | None = None
        self.record = _record(item, task)
        try:
            self._take(knows)
        except BaseException:
            self.release()
            raise

    def _take(self, knows: Callable[[str], bool]) -> None:
        item, task = self.item, self._task
        self.run = self._recovered()
        self.is_live = self.run is None and item.is_run and _is_written(item)
        if self.is_live and self.is_at_home and not task.again:
            who = f"process {item.described.get('pid')} on {item.described.get('host')}"
            raise PassedOverError(f"its own reporter delivers it ({who})")
        start = 0 if task.again else self._stored_position()
        self._file = EventFile(item.events, start, self._parse, self._save, not item.is_run)
        self.media = MediaList(item.path, private=item.is_private) if item.is_run else None
        was_there = task.again or self.file.position > 0
        if was_there and not knows(item.batch_id or ""):  # the platform has lost what it had
            self.file.position = 0
            for artifact in self.media.every() if self.media is not None else ():
                self.note(artifact, PENDING)

    def owed(self) -> list[Artifact]:
        """The artifacts that the platform does not have."""
        if self.media is None:
            return []
        if self._notes_at_home:
            return self.media.pending()
        every = self.media.pending() if self.is_at_home else self.media.every()
        if self.record is None or not every:
            return every
        settled = self.record.settled(self._task.url)
        return [artifact for artifact in every if artifact.mark_in(self.item.path) not in settled]

    def note(self, artifact: Artifact, state: str, reason: str | None = None) -> None:
        """Write down what became of an artifact, where that can be. Raises OSError."""
        if self._notes_at_home and self.media is not None:
            self.media.note(artifact, state, reason)
        elif self.record is not None:
            mark = artifact.mark_in(self.item.path)
            self.record.settle(self._task.url, mark, state, reason)

    @property
    def _notes_at_home(self) -> bool:
        """Whether its own list of artifacts tells what the platform has, and can be written."""
        return self.is_at_home and self.notes_dir == self.item.path

    def _recovered(self) -> RunDirectory | None:
        # A monitor that is running needs the lock for each batch: sent to itself, it would wait for us.
        if not self.item.is_run or self.item.is_monitors:
            return None
        try:
            return RunDirectory.recover(self.item.path, kept=not self.item.is_private)
        except OSError as error:
            if error.errno in _NOT_WRITABLE:
                return None
            raise

    @property
    def file(self) -> EventFile:
        """Its events. Opened with the lock in hand: before, a writer may put another in its place."""
        assert self._file is not None
        return self._file

    def look(self) -> bool:
        """See what has been written since. True where its writer has ended, and it is ours now."""
        was_live = self.is_live
        if was_live:
            self.run = self._recovered()
            self.is_live = self.run is None and _is_written(self.item)
        self.file.look()
        return was_live and not self.is_live

    @property
    def is_at_home(self) -> bool:
        """Whether the platform is the one that the run's own writer reports to."""
        return self.item.home == self._task.url

    @property
    def notes_dir(self) -> Path | None:
        """Where what is learned about it can be written down; None where nowhere."""
        return self.record.directory if self.record is not None else None

    def release(self) -> None:
        """Let go of everything."""
        if self._file is not None:
            self._file.close()
        if self.run is not None:
            self.run.release()
            self.run = None
        if self.record is not None:
            self.record.release()
            self.record = None

    def _stored_position(self) -> int:
        if self.run is not None and self.is_at_home:
            return self.run.journal.position
        own = self.record.position(self._task.url) if self.record is not None else 0
        return max(own, stored_position(self.item, self._task.url)) if self.item.is_run else own

    def _save(self, position: int) -> None:
        if self.run is not None and self.is_at_home:
            self.run.journal.position = position
            self.run.journal.save_position()
        elif self.record is not None and (self.item.is_run or self._task.wanted.all):
            self.record.save(self._task.url, position)

    def _parse(self, data: bytes, at: int) -> Line:
        line = event_line(data, at)
        if self.item.is_run or self._task.wanted.all or line.event_id is None:
            return line
        batch_id, project = batch_and_project(line.data)
        is_meant = self._task.wanted.takes(project, batch_id)
        return line if is_meant else Line(b"", None, len(data))


def _record(item: Item, task: Task) -> SyncRecord | None:
    """Where the position is kept: beside the events of a run, else in the state directory; None
    where neither can be written. Raises PassedOverError where another sync has it."""
    about = "" if item.is_run else fingerprint(item.events)
    elsewhere = record_dir(item, task)
    for place in (item.path if item.is_run else None, elsewhere):
        if place is None:
            continue
        private = item.is_private or place is elsewhere
        try:
            if place is elsewhere:
                files.make_dir(place, private=True)
            record = SyncRecord.take(place, private, _who(), about)
        except OSError as error:
            if error.errno in _NOT_WRITABLE or place is elsewhere:
                continue
            raise
        if record is None:
            raise BusyError(f"another sync has it ({_holder(place)})")
        return record
    return None


def record_dir(item: Item, task: Task) -> Path | None:
    """The place for the record of what cannot be written beside its events."""
    if task.state_dir is None:
        return None
    return task.state_dir / "synced" / short_hash(str(item.path))


def _is_written(item: Item) -> bool:
    """Whether somebody writes a run whose lock we do not have."""
    if item.is_monitors:
        return False
    try:
        is_ours = layout.is_own_dir(item.path, writer.user_id())
        if is_ours and os.access(item.path, os.W_OK):
            return True  # somebody has the lock
        return state_of(item.path, time.time()) == RUNNING
    except OSError:
        return False


def _who() -> dict[str, Any]:
    return {
        "host": writer.host_name(),
        "user": writer.user_name(),
        "pid": os.getpid(),
        "since": utc_second(time.time()) + "Z",
    }


def _holder(directory: Path) -> str:
    by = read(directory).get("by")
    if not isinstance(by, dict):
        return "which one is not known yet"
    return f"{by.get('user')} on {by.get('host')}, process {by.get('pid')}, since {by.get('since')}"


def fingerprint(path: Path) -> str:
    """What stays the same while a file grows, and is another for another file: its first line."""
    with os.fdopen(files.open_read(path), "rb") as file:
        return short_hash(file.readline(_FINGERPRINT_BYTES).decode("latin-1"))
