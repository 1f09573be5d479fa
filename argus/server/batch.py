"""One batch on disk: its run directory, its index, its sidecar.

The event file is the truth. The sidecar only repeats what it adds up to, for readers, so a crash
between writing the two loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argus.rundir import layout, sidecar
from argus.rundir.media import MediaList
from argus.rundir.run import RunDirectory
from argus.server.index import Index, event_key, read_index
from argus.server.ingest import Arrival, Stored
from argus.server.stop import forget_stop
from argus.server.tally import Tally

WRITTEN_BY = "monitor"  # in the sidecar: a reporter that keeps its runs here owns its own

_log = logging.getLogger("argus.server")


class Batch:
    """A batch. Open, it holds the lock of its directory and two descriptors; `release` gives them
    back, and the next touch takes them again.

    `events_guard` guards the directory's files and all fields.
    """

    def __init__(self, batch_id: str, path: Path) -> None:
        self.batch_id = batch_id
        self.path = path
        self.events_guard = threading.Lock()
        self._closed = False
        self._opened: tuple[RunDirectory, Index] | None = None
        self._tally: Tally | None = None  # small, so it stays when the batch is released
        self._described: dict[str, Any] = {}

    def add(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Keep what is new of `arrivals`. Raises OSError where that fails: then nothing is kept."""
        with self.events_guard:
            run, index = self._open()
            keys = [event_key(arrival.event) for arrival in arrivals]
            fresh: dict[int, Arrival] = {}
            is_new = []
            for key, arrival in zip(keys, arrivals):
                is_new.append(index.number(key) is None and key not in fresh)
                if is_new[-1]:
                    fresh[key] = arrival
            if fresh:
                run.journal.append([arrival.line for arrival in fresh.values()])
                self._refresh(run, index, fresh)
            return [Stored(index.number(key) or 0, new) for key, new in zip(keys, is_new)]

    def has_job(self, job_id: str) -> bool:
        """Whether an event of this job has come. Raises OSError."""
        with self.events_guard:
            return job_id in self._known_tally().jobs

    def summary(self) -> dict[str, Any]:
        """The batch for a list of batches. Raises OSError."""
        with self.events_guard:
            if self._tally is None:
                described = sidecar.read(self.path)
                if described.get("events_bytes") == _size(self.path / layout.EVENTS):
                    keys = (*Tally().facts(), *Tally().counts())
                    return {"batch_id": self.batch_id, **{key: described.get(key) for key in keys}}
            tally = self._known_tally()
            return {"batch_id": self.batch_id, **tally.facts(), **tally.counts()}

    def media(self) -> MediaList:
        """The list of artifacts, the batch being open. Needs the guard; raises OSError."""
        run, _ = self._open()
        return run.media

    @property
    def is_open(self) -> bool:
        """Whether it holds descriptors and an index."""
        return self._opened is not None

    def release(self) -> None:
        """Write down the sums, and let go of the directory and the index."""
        with self.events_guard:
            if self._opened is not None:
                run, index = self._opened
                self._describe_or_warn(run, index.tally)
                run.release()
                self._opened = None

    def close(self) -> None:
        """Let go for good: from now on nothing is kept."""
        with self.events_guard:
            self._closed = True
        self.release()

    def _open(self) -> tuple[RunDirectory, Index]:
        assert self.events_guard.locked()
        if self._closed:
            raise OSError("the monitor is closing")
        if self._opened is None:
            run = RunDirectory.create(self.path, kept=True)
            try:
                self._opened = run, self._taken_up(run)
            except BaseException:
                run.release()
                raise
        return self._opened

    def _taken_up(self, run: RunDirectory) -> Index:
        """The index of a directory that was just locked, new or as its last owner left it."""
        index = read_index(self.path / layout.EVENTS)
        self._tally = index.tally
        self._described = sidecar.read(self.path)
        if not self._described:  # before the first event: without it a restart finds no batch
            self._describe(run, index.tally)
        return index

    def _known_tally(self) -> Tally:
        """The sums; the directory stays closed where they are all that is wanted."""
        assert self.events_guard.locked()
        if self._tally is None:
            self._tally = read_index(self.path / layout.EVENTS).tally
        return self._tally

    def _refresh(self, run: RunDirectory, index: Index, fresh: dict[int, Arrival]) -> None:
        for key, arrival in fresh.items():
            index.add(key, arrival.event)
            if arrival.event["event_type"] == "batch_start":
                forget_stop(self.path)
        if not index.tally.facts().items() <= self._described.items():
            self._describe_or_warn(run, index.tally)

    def _describe_or_warn(self, run: RunDirectory, tally: Tally) -> None:
        try:
            self._describe(run, tally)
        except OSError as error:  # the events are in; the next change writes it
            _log.warning("cannot describe batch %r: %s", self.batch_id, error)

    def _describe(self, run: RunDirectory, tally: Tally) -> None:
        content = {
            "batch_id": self.batch_id,
            **tally.facts(),
            **tally.counts(),
            "events_bytes": run.journal.size,  # tells a reader whether the counts are of today
            "written_by": WRITTEN_BY,
        }
        if not content.items() <= self._described.items():
            run.describe(content)
            self._described = content


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
