"""One run directory as its writer holds it, from taking the lock to letting go or removing it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argus.core.flight import DeadLetter
from argus.rundir import files, layout, sidecar, writer
from argus.rundir.journal import Journal
from argus.rundir.lock import RunLock
from argus.rundir.media import MediaList

_MAX_DEAD_LINES = 1_000  # in memory, while the disk refuses
SWEEP_AFTER_S = 3_600.0  # what has no event by then will never have one

# Run directories that this process writes or recovers. The lock alone does not tell them apart
# where a file system gives every lock of a process to the whole process, as NFS does.
_held: set[str] = set()


class RunDirectory:
    """A locked run directory. `kept` ones stay; others go once everything is delivered."""

    def __init__(self, path: Path, lock: RunLock, kept: bool) -> None:
        self.path = path
        self.kept = kept
        self._lock = lock
        self.journal = Journal(path, private=not kept)
        self.media = MediaList(path, private=not kept)
        self._dead_lines: list[bytes] = []  # not written yet
        _held.add(str(path))

    @classmethod
    def create(cls, path: Path, kept: bool) -> RunDirectory:
        """Make and lock a new run directory. Raises OSError, also where somebody holds it."""
        files.make_dir(path, private=not kept)
        if str(path) in _held:
            raise _in_use(path)
        return cls._opened(path, _new_lock(path, kept), kept)

    @classmethod
    def recover(cls, path: Path, kept: bool) -> RunDirectory | None:
        """Lock what a dead process has left; None while its writer may live, or it is not ours.

        Raises OSError where it cannot be opened.
        """
        if not _is_ours(path) or not (path / layout.EVENTS).exists():
            return None
        lock = _lock_of_the_dead(path, kept)
        return cls._opened(path, lock, kept) if lock is not None else None

    @classmethod
    def _opened(cls, path: Path, lock: RunLock, kept: bool) -> RunDirectory:
        try:
            return cls(path, lock, kept)
        except OSError:
            lock.release()
            raise

    def move_to(self, path: Path, content: dict[str, Any]) -> None:
        """Go on in a new directory, with what is not delivered, as somebody has removed this one.
        `content` is for its sidecar, which comes first: events without it would be nobody's.

        Raises OSError where none can be had: then the journal is where it was.
        """
        files.make_dir(path, private=not self.kept)
        lock = _new_lock(path, self.kept)
        try:
            sidecar.write(path, content, private=not self.kept)
            self.journal.move_to(path, whole=self.kept)
        except OSError:
            _clear(path, lock)
            raise
        self._lock.release()
        self._lock = lock
        _held.discard(str(self.path))
        self.path = path
        _held.add(str(path))
        self.media.move_to(path)

    def describe(self, content: dict[str, Any]) -> None:
        """Replace the sidecar."""
        sidecar.write(self.path, content, private=not self.kept)

    @property
    def is_described(self) -> bool:
        """Whether the sidecar is there: what cleans a temporary directory takes old files away."""
        return os.path.lexists(self.path / layout.SIDECAR)

    def set_aside(self, dead: Sequence[DeadLetter]) -> None:
        """Keep events that no platform will take, each with the reason.

        Raises OSError where the disk refuses; the next call, or `finish`, tries again.
        """
        room = _MAX_DEAD_LINES - len(self._dead_lines)
        self._dead_lines += [dead_line(letter) for letter in dead[:room]]
        if self._dead_lines:  # an empty file would look like a dead letter
            path = self.path / layout.REJECTED
            files.append_lines(path, self._dead_lines, private=not self.kept)
            self._dead_lines = []

    def beat(self) -> None:
        """Give a sign of life. The lock looks fresh too, to what removes old files."""
        files.touch(self.path / layout.HEARTBEAT, private=not self.kept)
        self._lock.touch()

    @property
    def has_dead_letters(self) -> bool:
        """Whether something was refused for good: then the directory stays, for a person to look."""
        return bool(self._dead_lines) or os.path.lexists(self.path / layout.REJECTED)

    @property
    def stays(self) -> bool:
        """Whether the directory outlives its delivery."""
        return self.kept or self.has_dead_letters

    def finish(self) -> None:
        """All is delivered: let go, and remove what nobody needs any more."""
        try:
            self.set_aside([])
        finally:
            if self.stays:
                self.release()
            else:
                self.remove()

    def release(self) -> None:
        """Close everything and let the next one have the directory."""
        self.journal.close()
        self._lock.release()
        _held.discard(str(self.path))

    def remove(self) -> None:
        """Delete the directory with all that we put there, and let go of it."""
        self.journal.close()  # Windows removes no file that is open
        try:
            _clear(self.path, self._lock)
        finally:
            self.release()


def sweep(path: Path, wall_now: float) -> bool:
    """Remove a directory whose process ended before its first event, an hour ago or more.

    False where it is none, or its writer may live. Raises OSError where it cannot be removed.
    """
    if not _is_ours(path) or wall_now - os.lstat(path).st_mtime < SWEEP_AFTER_S:
        return False
    lock = _lock_of_the_dead(path, kept=False) if _is_barren(path) else None
    if lock is None:
        return False
    if not _is_barren(path):  # it was not as dead as it seemed
        lock.release()
        return False
    _clear(path, lock)
    return True


def forget_held() -> None:
    """In a forked child: the directories are the parent's."""
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_held)


def _new_lock(path: Path, kept: bool) -> RunLock:
    lock = RunLock.acquire(path / layout.LOCK, private=not kept)
    if lock is None:
        raise _in_use(path)
    return lock


def _in_use(path: Path) -> OSError:
    return FileExistsError(f"{path} is being written by somebody else")


def _lock_of_the_dead(path: Path, kept: bool) -> RunLock | None:
    """The lock of a directory whose writer has ended; None where it lives, or nobody can tell."""
    if str(path) in _held:
        return None
    lock = RunLock.acquire(path / layout.LOCK, private=not kept)
    if lock is not None and not lock.sure and not writer.is_certainly_dead(sidecar.read(path)):
        lock.release()
        return None
    return lock


def _is_ours(path: Path) -> bool:
    try:
        return layout.is_own_dir(path, writer.user_id())
    except FileNotFoundError:  # somebody else was faster
        return False


def _is_barren(path: Path) -> bool:
    """Whether there is no event, dead letter or artifact in it."""
    for name in (layout.EVENTS, layout.REJECTED, layout.MEDIA):
        try:
            info = os.lstat(path / name)
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(info.st_mode) or info.st_size:
            return False
    return True


def _clear(path: Path, lock: RunLock) -> None:
    """Remove a directory with all files in it; a directory in it is somebody else's, and stays."""
    own = path / layout.LOCK
    try:
        for entry in list(path.iterdir()):
            if entry != own and (entry.is_symlink() or not entry.is_dir()):
                entry.unlink(missing_ok=True)
        if os.name == "nt":
            lock.release()  # it removes no file that is open
        own.unlink(missing_ok=True)  # last, and held, so that nobody gets a lock that is to vanish
    finally:
        lock.release()
    path.rmdir()


def dead_line(letter: DeadLetter) -> bytes:
    """The line of `rejected.jsonl` that keeps a dead letter."""
    try:
        return _strict_line(letter.reason, json.loads(letter.line.data))
    except (ValueError, RecursionError):  # no JSON, or a NaN in it, or too deep: as it stands
        return _strict_line(letter.reason, letter.line.data.decode("utf-8", "replace"))


def _strict_line(reason: str, event: object) -> bytes:
    document = {"reason": reason, "event": event}
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
