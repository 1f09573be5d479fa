"""The lock of a run: held by its writer while it lives; whoever gets it may recover the run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from argus.rundir.files import open_append

if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(fd: int) -> None:
        # flock, not lockf: a second opening of the file in the same process must not get it.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class RunLock:
    """An exclusive lock on a file, gone with its process however that ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def acquire(cls, path: Path, private: bool) -> RunLock | None:
        """The lock at `path`, or None where somebody holds it. Never waits.

        Raises OSError where the file cannot be opened at all.
        """
        fd = open_append(path, private)
        try:
            _try_lock(fd)
        except OSError:
            os.close(fd)
            return None
        # Between opening and locking, the last holder may have removed the directory.
        try:
            if os.fstat(fd).st_ino == os.stat(path).st_ino:
                return cls(fd)
        except OSError:
            pass
        os.close(fd)
        return None

    def release(self) -> None:
        """Let the next one have it. A forked child calls this too: it only closes its own copy."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
