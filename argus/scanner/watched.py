"""One run as it is watched: looked at cheaply, read only where something has changed."""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.state import ENDED, STALLED
from argus.core.summary import Summary
from argus.core.tally import RUNNING
from argus.rundir import edits, layout, sidecar
from argus.rundir.edits import Edits
from argus.rundir.view import View, dead_letters, is_delivered, state_by
from argus.scanner.follow import Follower, identity_of
from argus.scanner.row import row_of

READ_BYTES = 4_194_304  # of one run at a time: others want their turn
# Nothing need be written for a state to change: a process dies, a heartbeat is missed.
_LOOK_AGAIN_S = {RUNNING: 2.0, STALLED: 30.0}


class _Marks(NamedTuple):
    """What tells that a run has changed. Small files are replaced, which changes the directory."""

    directory_ns: int
    identity: Optional[tuple[int, int]]
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
        self.polling = threading.Lock()  # held while it is looked at: by the watcher, or an editor
        self._directory, self._events = str(path), str(path / layout.EVENTS)
        self._heartbeat = str(path / layout.HEARTBEAT)
        self._marks: Optional[_Marks] = None
        self._described: dict[str, Any] = {}
        self._edits = Edits()
        self._is_delivered: Optional[bool] = None
        self._n_rejected = 0
        self._summary: Optional[Summary] = None  # of a run that may have more to come
        self._sums = Summary().document()
        self._status = RUNNING  # as its own files tell
        self._follower = Follower(path / layout.EVENTS)
        self._looks_again_at = 0.0  # seconds since the epoch: its state may change by silence

    def poll(self, wall_now: float) -> bool:
        """Look at it; whether its row is another one by now. Raises OSError where it is gone, or
        cannot be read."""
        marks = self._seen()
        if marks == self._marks and not self.is_behind and wall_now < self._looks_again_at:
            return False
        before = self._marks
        if before is None or marks.directory_ns != before.directory_ns:
            self._read_small_files()
        if before is None or self.is_behind or marks[1:4] != before[1:4]:
            self._sum_up(self._read_events(marks), marks)
        elif self._summary is not None:
            self._sum_up(self._summary, marks)
        self._marks = marks
        return self._changed_row(wall_now, marks)

    def _seen(self) -> _Marks:
        directory_ns = os.stat(self._directory).st_mtime_ns
        try:
            info = os.stat(self._events, follow_symlinks=False)
        except FileNotFoundError:
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
        if summary is None:
            summary = self._begin(marks)
        piece = self._follower.read(READ_BYTES)
        if piece.start == 0 and self._summary is not None:  # another file stands there
            summary = Summary()
        for event in piece.events:
            summary.add(event)
        self.is_behind = not piece.is_last and piece.end < piece.size
        return summary

    def _begin(self, marks: _Marks) -> Summary:
        """Take up the sums of the sidecar, where they are of this file."""
        known = self._described.get("events_bytes")
        if type(known) is int and 0 <= known <= marks.size:
            self._follower = Follower(self.path / layout.EVENTS, known)
            return Summary.resumed(self._described)
        self._follower = Follower(self.path / layout.EVENTS)
        return Summary()

    def _changed_row(self, wall_now: float, marks: _Marks) -> bool:
        heard_at = max(marks.heard_ns, marks.written_ns) / 1e9
        state = state_by(self.path, self._described, self._status, wall_now - heard_at)
        self._looks_again_at = wall_now + _LOOK_AGAIN_S.get(state, math.inf)
        self._is_delivered = is_delivered(self.path, self._described, marks.size)
        view = View(
            path=self.path,
            sidecar=self._described,
            state=state,
            summary=self._sums,
            edits=self._edits,
            events_bytes=marks.size,
            heard_at=heard_at,
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
        if status in ENDED and type(known) is int and known >= self._follower.offset:
            return str(status)
        return summary.tally.status
