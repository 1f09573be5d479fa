"""All batches below one directory: finding them again, making new ones, keeping few of them open.

One monitor at a time: it holds `monitor.lock` there. Batches that a reporter keeps in the same
place are not the monitor's, and it leaves them alone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from argus.rundir import files, layout, sidecar
from argus.rundir.lock import RunLock
from argus.rundir.view import WRITTEN_BY_MONITOR
from argus.server.batch import Batch
from argus.server.ingest import Arrival, Stored
from argus.server.plain import require_own_place, run_directories

LOCK = "monitor.lock"
MEDIA = "media"
UPLOADING = ".upload-"  # how a file begins while it is on its way in

_MAX_OPEN = 64  # two descriptors each, or four; macOS gives a process 256 descriptors


class RunsInUseError(OSError):
    """Another monitor keeps its runs there."""


class Store:
    """The batches of one monitor. For any number of threads."""

    def __init__(self, runs: Path, local_time: Callable[[], tuple[int, ...]]) -> None:
        """Take `runs` up, making it where it is missing. Raises OSError, RunsInUseError."""
        files.make_dir(runs, private=False)
        lock = RunLock.acquire(runs / LOCK, private=False)
        if lock is None:
            raise RunsInUseError(f"another monitor keeps its runs in {runs}")
        self.runs = runs
        self._lock = lock
        self._local_time = local_time
        self._batches_guard = threading.Lock()  # guards the two maps; never held while reading
        self._batches = {batch.batch_id: batch for batch in _found(runs)}
        self._open: OrderedDict[str, Batch] = OrderedDict()  # the one used last comes last
        self._closed = False
        _remove_torn_uploads(runs)

    def add(self, batch_id: str, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Keep the events of one batch. Raises OSError where that fails: then none of them is."""
        return self.use(self._found_or_made(batch_id)).add(arrivals)

    def find(self, batch_id: str) -> Batch | None:
        """The batch of that id, if anything of it has come."""
        with self._batches_guard:
            return self._batches.get(batch_id)

    def find_job(self, job_id: str) -> Batch | None:
        """The newest batch with a job of that id. Raises OSError."""
        return next((batch for batch in self._newest_first() if batch.has_job(job_id)), None)

    def summaries(self, most: int) -> list[dict[str, Any]]:
        """Up to `most` batches, the newest first. Raises OSError."""
        return [batch.summary() for batch in islice(self._newest_first(), most)]

    def use(self, batch: Batch) -> Batch:
        """Note that `batch` is about to be opened, and release those unused for longest."""
        idle: list[Batch] = []
        with self._batches_guard:
            self._open[batch.batch_id] = batch
            self._open.move_to_end(batch.batch_id)
            while len(self._open) > _MAX_OPEN:
                idle.append(self._open.popitem(last=False)[1])
        for each in idle:  # outside the guard: a release waits for the disk
            each.release()
        return batch

    def close(self) -> None:
        """Let go of every batch and of the directory. What still arrives is told to come again."""
        with self._batches_guard:
            self._closed = True
            batches = list(self._batches.values())
        for batch in batches:
            batch.close()
        self._lock.release()

    def _newest_first(self) -> list[Batch]:
        with self._batches_guard:
            return list(reversed(self._batches.values()))

    def _found_or_made(self, batch_id: str) -> Batch:
        with self._batches_guard:
            if self._closed:
                raise OSError("the monitor is closing")
            batch = self._batches.get(batch_id)
            if batch is None:
                batch = Batch(batch_id, self._new_directory(batch_id))
                self._batches[batch_id] = batch
            return batch

    def _new_directory(self, batch_id: str) -> Path:
        """A directory that nobody has: two ids can ask for one name, on some file systems at
        least, and a reporter may keep the same batch in the same place."""
        wanted = path = layout.kept_dir(self.runs, batch_id, self._local_time())
        require_own_place(wanted.parent, 2)  # a link in place of the date would lead outside
        files.make_dir(wanted.parent, private=False)
        attempt = 1
        while True:
            try:
                path.mkdir(files.SHARED_DIR)
                return path
            except FileExistsError:
                attempt += 1
                path = wanted.with_name(f"{wanted.name}-{attempt}")


def _found(runs: Path) -> list[Batch]:
    """The monitor's batches on disk, the oldest first."""
    batches = []
    for path in run_directories(runs):
        described = sidecar.read(path)
        batch_id = described.get("batch_id")
        ours = described.get("written_by") == WRITTEN_BY_MONITOR and sidecar.is_known_format(
            described
        )
        if ours and isinstance(batch_id, str):
            batches.append(Batch(batch_id, path))
    return batches


def _remove_torn_uploads(runs: Path) -> None:
    """Remove what a killed monitor had begun to take in; nobody else is at work here."""
    for directory in run_directories(runs):
        media = directory / MEDIA
        if media.is_dir() and not media.is_symlink():
            for path in media.glob(f"{UPLOADING}*"):
                path.unlink()
