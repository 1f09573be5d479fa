"""The records in the state directory: of each job, every attempt at each of its batches.

One file a job, one line an attempt and one for how it ended; lines are only ever added. Whoever
reads it passes over what is cut short, and says so.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argus.core.jsonl import parsed_object
from argus.launch.resume import Attempt, attempts_of
from argus.rundir import files, writer
from argus.rundir.layout import file_name
from argus.rundir.lock import RunLock

KEEP_S = 90 * 86_400.0
_MAX_BYTES = 16_777_216
_MOST_LOOKED_AT = 1_000
_AGAIN_S = 0.01


class Attempts:
    """The records of one job. `name` is what it is known by."""

    def __init__(self, state: Path, name: str) -> None:
        self._path = state / "attempts" / f"{file_name(name)}.jsonl"

    @contextmanager
    def alone(self, limit_s: float) -> Iterator[None]:
        """Keep out whoever asks for the same of this job, from any process: what is read within is
        not out of date when something is added to it. Raises OSError where that is not had in time."""
        files.make_dir(self._path.parent, private=True)
        until, path = time.monotonic() + limit_s, self._path.with_suffix(".lock")
        lock = RunLock.acquire(path, private=True)
        while lock is None:
            if time.monotonic() >= until:
                raise OSError(errno.EBUSY, "somebody else is at it", str(path))
            threading.Event().wait(_AGAIN_S)
            lock = RunLock.acquire(path, private=True)
        try:
            yield
        finally:
            lock.release()

    def read(self) -> tuple[list[Attempt], bool]:
        """The attempts, the oldest first, and whether all of the file could be read."""
        try:
            data = files.read_whole(self._path, _MAX_BYTES)
        except FileNotFoundError:
            return [], True
        except OSError:
            return [], False
        if not data:
            return [], False  # a power cut has left its name alone
        return attempts_of(parsed_object(line) for line in data.split(b"\n") if line.strip())

    def add(self, attempt: Attempt) -> None:
        """Write down that an attempt begins; once more, where there is more to say of it. Raises
        OSError where the disk refuses."""
        self._append(
            {
                "batch_id": attempt.batch_id,
                "attempt": attempt.number,
                **attempt.seat._asdict(),
                "directory": attempt.directory,
                "overlaps": attempt.overlaps,
                **attempt.process,
                "started_at": time.time(),
            }
        )

    def end(self, attempt: Attempt, status: str) -> None:
        """Write down how it has ended. Raises OSError where the disk refuses."""
        told = {"batch_id": attempt.batch_id, "attempt": attempt.number, "ended": status}
        self._append({**told, "ended_at": time.time()})

    def _append(self, line: Mapping[str, Any]) -> None:
        files.make_dir(self._path.parent, private=True)
        files.append_lines(self._path, [json.dumps(line).encode()], private=True)


def is_running(attempt: Attempt) -> bool | None:
    """Whether whoever made it still does; None where nobody here can tell."""
    return False if attempt.ended is not None else writer.lives(attempt.process)


def is_by_this_process(attempt: Attempt) -> bool:
    """Whether it is one of this process's own."""
    own = writer.identity()
    return all(attempt.process.get(name) == own[name] for name in own)


def sweep(state: Path, wall_now: float) -> None:
    """Remove the records of jobs of long ago, as far as that can be done."""
    try:
        with os.scandir(state / "attempts") as entries:
            for entry, _ in zip(entries, range(_MOST_LOOKED_AT)):
                if wall_now - entry.stat(follow_symlinks=False).st_mtime > KEEP_S:
                    os.unlink(entry.path)
    except OSError:
        return  # there are none yet, or somebody else is at it
