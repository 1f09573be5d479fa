"""One run as it is watched: looked at cheaply, read only where something has changed."""

from __future__ import annotations

import math
import os
import stat
import threading
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.state import ENDED, STALLED
from argus.core.statuses import RUNNING
from argus.core.summary import Summary
from argus.rundir import edits, layout, sidecar
from argus.rundir.edits import Edits
from argus.rundir.view import View, dead_letters, is_delivered, state_by, taken_up
from argus.scanner.follow import Follower, Identity, identity_of
from argus.scanner.row import row_of
from argus.scanner.tree import TICK_NS

READ_BYTES = 4_194_304  # of one run at a time: others want their turn
# Nothing need be written for a state to change: a process dies, a heartbeat is missed.
_LOOK_AGAIN_S = {RUNNING: 2.0, STALLED: 30.0}


class _Marks(NamedTuple):
    """What tells that a run has changed. Small files are replaced, which changes the directory."""

    directory_ns: int
    identity: Optional[Identity]  # of its event file; None where there is none
    size: int
    written_ns: int
    heard_ns: int


class Watched:
    """A run below the root."""

    def __init__(self, run_id: str, path: Path) -> None:
        self.run_id = run_id
        self.path = path
        self.row: dict[str, Any] = {}  # what lists show; replaced, never changed
        self.is_behind = False  # more of its events waits to be read
        self.has_failed = False  # in a way that nobody has thought of
        self.polling = threading.Lock()  # held while it is looked at: by the watcher, or an editor
        self._directory, self._events = str(path), str(path / layout.EVENTS)
        self._heartbeat = str(path / layout.HEARTBEAT)
        self._marks: Optional[_Marks] = None
        self._is_settled = False  # what changes from now on changes the time of the directory too
        self._described: dict[str, Any] = {}
        self._edits = Edits()
        self._is_delivered: Optional[bool] = None
        self._n_rejected = 0
        self._summary: Optional[Summary] = None  # of a run that may have more to come
        self._is_begun_anew = False  # the event file, and the sidecar told of the one before
        self._sums = Summary().document()
        self._status = RUNNING  # as its own files tell
        self._follower = Follower(path / layout.EVENTS)
        self._looked_at = self._looks_again_at = 0.0  # its state may change by silence

    def poll(self, wall_now: float) -> bool:
        """Look at it; whether its row is another one by now. Raises OSError where it is gone, or
        cannot be read."""
        marks = self._seen()
        is_same = marks == self._marks and self._is_settled and not self.is_behind
        if is_same and self._looked_at <= wall_now < self._looks_again_at:
            return False
        if not is_same:
            self._read(marks, wall_now)
        state = self._state(marks, wall_now)
        self._looked_at, self._looks_again_at = (
            wall_now,
            wall_now + _LOOK_AGAIN_S.get(state, math.inf),
        )
        if is_same and state == self.row.get("state"):
            return False
        return self._is_another_row(state, marks)

    def _read(self, marks: _Marks, wall_now: float) -> None:
        """Read what has changed since the last look."""
        before = self._marks
        if before is None or marks.directory_ns != before.directory_ns or not self._is_settled:
            self._is_settled = marks.directory_ns < wall_now * 1e9 - TICK_NS
            self._read_small_files()
            if self._is_begun_anew and _said_bytes(self._described) <= marks.size:
                self._summary, before = None, None  # it tells of the new file by now
        if before is None or self.is_behind or marks[1:4] != before[1:4]:
            self._sum_up(self._read_events(marks), marks)
        elif self._summary is not None:
            self._sum_up(self._summary, marks)
        self._is_delivered = is_delivered(self.path, self._described, marks.size)
        self._marks = marks

    def _seen(self) -> _Marks:
        directory_ns = os.stat(self._directory).st_mtime_ns
        try:
            info = os.stat(self._events, follow_symlinks=False)
        except FileNotFoundError:
            return _Marks(directory_ns, None, 0, 0, self._heard_ns())
        if not stat.S_ISREG(info.st_mode):  # what stands there in its place is no event file
            return _Marks(directory_ns, None, 0, 0, self._heard_ns())
        return _Marks(
            directory_ns, identity_of(info), info.st_size, info.st_mtime_ns, self._heard_ns()
        )

    def _heard_ns(self) -> int:
        """The last sign of life of a run that has not ended."""
        if self.row.get("state") in ENDED:
            return 0
        try:
            return os.stat(self._heartbeat, follow_symlinks=False).st_mtime_ns
        except OSError:
            return 0

    def _read_small_files(self) -> None:
        self._described = sidecar.read(self.path)
        self._edits = edits.read(self.path)
        self._n_rejected = len(dead_letters(self.path))

    def _read_events(self, marks: _Marks) -> Summary:
        if marks.identity is None:
            return Summary.resumed(self._described)
        summary = self._summary
        if summary is None or self._follower.is_other(marks.identity, marks.size):
            # Its size after the sidecar was read: what that sums up is in it, or was once.
            size = os.stat(self._events).st_size
            summary, known = taken_up(self._described, size)
            self._is_begun_anew = _said_bytes(self._described) > size
            self._follower = Follower(self.path / layout.EVENTS, known)
        begun_at = self._follower.offset
        try:
            piece = self._follower.read(READ_BYTES)
        except PermissionError:  # a private file in a run that is shown to all
            return Summary.resumed(self._described)
        if piece.start != begun_at:  # another file stands there since we looked
            summary = Summary()
        for event in piece.events:
            summary.add(event)
        self.is_behind = not piece.is_last and piece.end < piece.size
        return summary

    def _state(self, marks: _Marks, wall_now: float) -> str:
        silence_s = wall_now - _heard_at(marks)
        return state_by(self.path, self._described, self._status, silence_s)

    def _is_another_row(self, state: str, marks: _Marks) -> bool:
        view = View(
            path=self.path,
            sidecar=self._described,
            state=state,
            summary=self._sums,
            edits=self._edits,
            events_bytes=marks.size,
            heard_at=_heard_at(marks),
            delivered=self._is_delivered,
        )
        row = row_of(self.run_id, view, self._n_rejected)
        if row == self.row:
            return False
        self.row = row
        return True

    def _sum_up(self, summary: Summary, marks: _Marks) -> None:
        self._sums = summary.document()
        self._status = self._told(summary)
        is_kept = self._described.get("events_bytes") == marks.size
        is_over = self._status in ENDED and not self.is_behind and is_kept
        self._summary = None if is_over else summary  # the sidecar has it, should it go on

    def _told(self, summary: Summary) -> str:
        """What the run's own files call it. The sidecar knows the end best, a preemption for one;
        but not what has come after it was written."""
        status, known = self._described.get("status"), self._described.get("events_bytes")
        is_newest = type(known) is int and known >= self._follower.offset
        if isinstance(status, str) and status in ENDED and is_newest:
            return status
        return summary.tally.status


def _said_bytes(described: dict[str, Any]) -> int:
    """How much of an event file a sidecar sums up."""
    said = described.get("events_bytes")
    return said if type(said) is int else 0


def _heard_at(marks: _Marks) -> float:
    """The last sign of life, in seconds since the epoch."""
    return max(marks.heard_ns, marks.written_ns) / 1e9
