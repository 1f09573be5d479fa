"""One run directory as its writer holds it, from taking the lock to letting go or removing it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argus.core.flight import DeadLetter
from argus.rundir import files, layout, sidecar
from argus.rundir.journal import Journal
from argus.rundir.lock import RunLock
from argus.rundir.media import MediaList

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
        _held.add(str(path))

    @classmethod
    def create(cls, path: Path, kept: bool) -> RunDirectory:
        """Make and lock a new run directory. Raises OSError, also where somebody holds it."""
        files.make_dir(path, private=not kept)
        run = cls._locked(path, kept)
        if run is None:
            raise FileExistsError(f"{path} is being written by somebody else")
        return run

    @classmethod
    def recover(cls, path: Path, kept: bool) -> RunDirectory | None:
        """Lock what a dead process has left; None while its writer lives, or it is not ours."""
        return cls._locked(path, kept) if (path / layout.EVENTS).exists() else None

    @classmethod
    def _locked(cls, path: Path, kept: bool) -> RunDirectory | None:
        if str(path) in _held:
            return None
        lock = RunLock.acquire(path / layout.LOCK, private=not kept)
        if lock is None:
            return None
        try:
            return cls(path, lock, kept)
        except OSError:
            lock.release()
            raise

    def describe(self, content: dict[str, Any]) -> None:
        """Replace the sidecar."""
        sidecar.write(self.path, content, private=not self.kept)

    def set_aside(self, dead: Sequence[DeadLetter]) -> None:
        """Keep events that no platform will take, each with the reason."""
        lines = [_dead_line(letter) for letter in dead]
        if not lines:
            return  # an empty file would look like a dead letter
        files.append_lines(self.path / layout.REJECTED, lines, private=not self.kept)

    def beat(self) -> None:
        """Give a sign of life."""
        path = self.path / layout.HEARTBEAT
        try:
            os.utime(path)
        except FileNotFoundError:
            os.close(files.open_append(path, private=not self.kept))

    @property
    def has_dead_letters(self) -> bool:
        """Whether something was refused for good: then the directory stays, for a person to look."""
        return (self.path / layout.REJECTED).exists()

    @property
    def stays(self) -> bool:
        """Whether the directory outlives its delivery."""
        return self.kept or self.has_dead_letters

    def finish(self) -> None:
        """All is delivered: let go, and remove what nobody needs any more."""
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
        lock = self.path / layout.LOCK
        try:
            for entry in list(self.path.iterdir()):
                if entry != lock and (entry.is_file() or entry.is_symlink()):
                    entry.unlink(missing_ok=True)
            if os.name == "nt":
                self.release()
            lock.unlink(missing_ok=True)  # held, so that nobody gets a lock that is to vanish
        finally:
            self.release()
        self.path.rmdir()


def forget_held() -> None:
    """In a forked child: the directories are the parent's."""
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_held)


def _dead_line(letter: DeadLetter) -> bytes:
    try:
        return _strict_line(letter.reason, json.loads(letter.line.data))
    except (ValueError, RecursionError):  # no JSON, or a NaN in it, or too deep: as it stands
        return _strict_line(letter.reason, letter.line.data.decode("utf-8", "replace"))


def _strict_line(reason: str, event: object) -> bytes:
    document = {"reason": reason, "event": event}
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
