"""One batch on disk: its run directory, its index, its sidecar.

The event file is the truth. The sidecar only repeats what it adds up to, for readers, so a crash
between writing the two loses nothing.
"""

from __future__ import annotations

import logging
import threading
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from argus.core.tally import Tally, job_key
from argus.rundir import layout, sidecar
from argus.rundir.media import MediaList
from argus.rundir.run import RunDirectory
from argus.rundir.view import WRITTEN_BY_MONITOR
from argus.server import stop
from argus.server.index import Index, event_key, read_index
from argus.server.ingest import Arrival, Stored
from argus.server.plain import require_own_place, size_of
from argus.server.sizes import Sizes, read_sizes

_MAX_UNSAID_BYTES = 4_194_304  # of events: a reader of the sidecar sums up the rest itself

_SUMS = (*Tally({}).facts(), *Tally({}).counts())

_log = logging.getLogger("argus.server")


class Batch:
    """A batch. Open, it holds the lock of its directory, two descriptors and an index; `release`
    gives them back, and the next touch takes them again.

    `events_guard` guards the directory's files and all fields.
    """

    __slots__ = ("_closed", "_jobs", "_opened", "_path", "batch_id", "events_guard")

    def __init__(self, batch_id: str, path: Path) -> None:
        self.batch_id = batch_id
        self.events_guard = threading.Lock()
        self._path = str(path)  # a tenth of a Path, and there may be many batches
        self._closed = False
        self._opened: _Opened | None = None
        self._jobs: array[int] | None = None  # of a released batch: the marks of its jobs, sorted

    @property
    def path(self) -> Path:
        """Its run directory."""
        return Path(self._path)

    @property
    def is_open(self) -> bool:
        """Whether it holds descriptors and an index."""
        return self._opened is not None

    def add(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Keep what is new of `arrivals`. Raises OSError where that fails: then nothing is kept,
        or it is known again when it comes again."""
        with self.events_guard:
            opened = self._open()
            keys = [event_key(arrival.event) for arrival in arrivals]
            numbers = dict(zip(keys, map(opened.index.number, keys)))
            fresh: dict[bytes, Arrival] = {}
            for key, arrival in zip(keys, arrivals):
                if numbers[key] is None:
                    fresh.setdefault(key, arrival)
            if fresh:
                self._keep(opened, fresh, numbers)
            return [Stored(numbers[key] or 0, fresh.pop(key, None) is not None) for key in keys]

    def has_job(self, job_id: str) -> bool:
        """Whether an event of this job has come. Raises OSError."""
        with self.events_guard:
            if self._opened is not None:
                return self._opened.index.tally.job_status(job_id) is not None
            if self._jobs is None:
                index = self._read_index()
                self._jobs = _marks(index)
                index.close()
            mark = _mark(job_key(job_id))
            at = bisect_left(self._jobs, mark)
            return at < len(self._jobs) and self._jobs[at] == mark

    def summary(self) -> dict[str, Any]:
        """The batch for a list of batches. Raises OSError."""
        with self.events_guard:
            if self._opened is not None:
                return _summary(self.batch_id, _sums(self._opened.index.tally))
            require_own_place(self.path)
            described = sidecar.read(self.path)
            if described.get("events_bytes") == size_of(self.path / layout.EVENTS):
                return _summary(self.batch_id, described)
            index = self._read_index()
            index.close()
            return _summary(self.batch_id, _sums(index.tally))

    def stop_state(self) -> dict[str, Any]:
        """Whether it is asked to stop."""
        require_own_place(self.path)
        return stop.stop_state(self.path)

    def request_stop(self, requested_at: str, requested_by: str | None) -> dict[str, Any]:
        """Ask it to stop. Raises OSError."""
        with self.events_guard:
            require_own_place(self.path)
            return stop.request_stop(self.path, requested_at, requested_by)

    def artifacts(self) -> tuple[MediaList, Sizes]:
        """The list of artifacts, and what they add up to. Needs the guard; raises OSError."""
        opened = self._open()
        if opened.sizes is None:
            opened.sizes = read_sizes(self.path)
        return opened.run.media, opened.sizes

    def release(self) -> None:
        """Write down the sums, and let go of the directory and the index."""
        with self.events_guard:
            self._release()

    def close(self) -> None:
        """Let go for good: from now on nothing is kept."""
        with self.events_guard:
            self._closed = True
            self._release()

    def _release(self) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            self._describe_or_warn(opened)
            self._jobs = _marks(opened.index)
        finally:
            opened.let_go()

    def _open(self) -> _Opened:
        assert self.events_guard.locked()
        if self._closed:
            raise OSError("the monitor is closing")
        if self._opened is None:
            require_own_place(self.path)
            run = RunDirectory.create(self.path, kept=True)
            try:
                opened = _Opened(run, self._read_index(), sidecar.read(self.path))
            except BaseException:
                run.release()
                raise
            self._opened = opened
            if not opened.described:  # before the first event: a restart finds no batch without it
                try:
                    self._describe(opened)
                except BaseException:
                    self._forget()
                    raise
        return self._opened

    def _read_index(self) -> Index:
        require_own_place(self.path)
        return read_index(self.path, self.path / layout.EVENTS)

    def _keep(
        self, opened: _Opened, fresh: dict[bytes, Arrival], numbers: dict[bytes, int | None]
    ) -> None:
        """Write new events down, and fill in their numbers."""
        starts = [a for a in fresh.values() if a.event["event_type"] == "batch_start"]
        if len(starts) > (0 if opened.index.tally.is_started else 1):
            # A restart. Before the start is written: where the writing fails, it comes again.
            require_own_place(self.path)
            stop.forget_stop(self.path)
        opened.run.journal.append([arrival.line for arrival in fresh.values()])
        try:
            numbers.update(opened.index.add({key: a.event for key, a in fresh.items()}))
        except BaseException:
            self._forget()  # the file has more than the index: read it anew
            raise
        is_news = not opened.index.tally.facts().items() <= opened.described.items()
        if is_news or opened.unsaid_bytes > _MAX_UNSAID_BYTES:
            self._describe_or_warn(opened)

    def _forget(self) -> None:
        """Let go of everything without a word on disk."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.let_go()

    def _describe_or_warn(self, opened: _Opened) -> None:
        try:
            self._describe(opened)
        except OSError as error:  # the events are in; the next change writes it
            _log.warning("cannot describe batch %a: %s", self.batch_id, error)

    def _describe(self, opened: _Opened) -> None:
        content = {
            "batch_id": self.batch_id,
            **opened.index.summary.document(),
            "events_bytes": opened.run.journal.size,  # tells whether the counts are of today
            "written_by": WRITTEN_BY_MONITOR,
        }
        if not content.items() <= opened.described.items():
            require_own_place(self.path)
            opened.run.describe(content)
            opened.described = content


class _Opened:
    """What an open batch holds."""

    def __init__(self, run: RunDirectory, index: Index, described: dict[str, Any]) -> None:
        self.run = run
        self.index = index
        self.described = described
        self.sizes: Sizes | None = None  # read when the first artifact comes

    @property
    def unsaid_bytes(self) -> int:
        """How much of the event file the sidecar does not sum up."""
        said = self.described.get("events_bytes")
        return self.run.journal.size - (said if isinstance(said, int) else 0)

    def let_go(self) -> None:
        self.run.release()
        self.index.close()


def _sums(tally: Tally) -> dict[str, Any]:
    return {**tally.facts(), **tally.counts()}


def _summary(batch_id: str, sums: Mapping[str, Any]) -> dict[str, Any]:
    return {"batch_id": batch_id, **{key: sums.get(key) for key in _SUMS}}


def _marks(index: Index) -> array[int]:
    return array("Q", sorted(map(_mark, index.job_keys())))


def _mark(key: bytes) -> int:
    return int.from_bytes(key[:8], "little")
