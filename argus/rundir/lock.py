"""The lock of a run: held by its writer while it lives; whoever gets it may recover the run."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argus.rundir.files import open_append, open_read

if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _try_shared_lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(fd: int) -> None:
        # flock, not lockf: a second opening of the file in the same process must not get it.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _try_shared_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


# What the system says where somebody holds the lock. Anything else means that there are no locks:
# some network file systems come without.
_HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK})

# A lock belongs to the opening of its file, which a forked child shares: the child would keep it
# beyond the end of its parent, and nobody could recover the run. So it closes what it inherits.
_taken: set[RunLock] = set()
_changing = threading.RLock()  # held while a file is open and not noted here; a fork waits for it
_AGAIN_S = 0.01
_LONGEST_CHANGE_S = 2.0  # a disk that stalls holds up neither a fork nor another run for longer


class _noting:  # noqa: N801 - reads as a statement
    def __enter__(self) -> None:
        self._lock = _changing
        self._lock.acquire(timeout=_LONGEST_CHANGE_S)

    def __exit__(self, *_: object) -> None:
        _let_go(self._lock)


def _let_go(lock: threading.RLock) -> None:
    try:
        lock.release()
    except RuntimeError:  # the wait for it was in vain
        pass


class RunLock:
    """An exclusive lock on a file, gone with its process however that ends.

    One that is not `sure` is on a file system without locks, where others may have it too.
    """

    def __init__(self, fd: int, sure: bool) -> None:
        self._fd = fd
        self.sure = sure
        _taken.add(self)

    @classmethod
    def acquire(cls, path: Path, private: bool) -> RunLock | None:
        """The lock at `path`, or None where somebody holds it. Never waits.

        Raises OSError where the file cannot be opened at all.
        """
        with _noting():
            return cls._acquired(path, private)

    @classmethod
    def _acquired(cls, path: Path, private: bool) -> RunLock | None:
        fd = open_append(path, private)
        sure = True
        try:
            _try_lock(fd)
        except OSError as error:
            if error.errno in _HELD:
                os.close(fd)
                return None
            sure = False
        # Between opening and locking, the last holder may have removed the directory.
        try:
            if os.fstat(fd).st_ino == os.stat(path).st_ino:
                return cls(fd, sure)
        except OSError:
            pass
        os.close(fd)
        return None

    def touch(self) -> None:
        """Make the file look fresh. Not by its name: on NFS, to close a second descriptor of it
        would give the lock away."""
        if os.utime in os.supports_fd:
            os.utime(self._fd)

    def release(self) -> None:
        """Let the next one have it. A forked child calls this too: it only closes its own copy."""
        with _noting():
            _taken.discard(self)
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def is_held(path: Path) -> bool | None:
    """Whether somebody holds the lock at `path`, for whoever only looks; None where nobody can tell.

    While it looks, for some microseconds, a writer would not get it: ask only where a sign of life
    has long been missing.
    """
    with _noting():
        try:
            fd = open_read(path)
        except FileNotFoundError:
            return False
        except OSError:
            return None
        try:
            _try_shared_lock(fd)
        except OSError as error:
            return True if error.errno in _HELD else None
        finally:
            os.close(fd)
    return False


@contextmanager
def alone_in(directory: Path, deadline: float) -> Iterator[None]:
    """Keep others out who ask for the same, by a lock on the directory itself: nothing is left
    there. Where the system knows no such lock, it keeps nobody out.

    Raises OSError where the directory cannot be opened, or somebody has the lock until `deadline`.
    """
    if sys.platform == "win32":  # it opens no directory
        yield
        return
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while not _is_locked_or_lockless(fd):
            if time.monotonic() > deadline:
                raise OSError(errno.EBUSY, "somebody else changes it", str(directory))
            threading.Event().wait(_AGAIN_S)
        yield
    finally:
        os.close(fd)


def _is_locked_or_lockless(fd: int) -> bool:
    try:
        _try_lock(fd)
    except OSError as error:
        return error.errno not in _HELD
    return True


def _before_fork() -> None:
    _changing.acquire(timeout=_LONGEST_CHANGE_S)


def _after_fork_in_parent() -> None:
    _let_go(_changing)


def _after_fork_in_child() -> None:
    global _changing  # noqa: PLW0603 - a fork concerns the whole process
    _changing = threading.RLock()
    for lock in list(_taken):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
