"""Only plain files, each in its own place: what leads elsewhere is neither read nor written.

Whoever may write below the runs directory could put a symbolic link there, and lead a monitor of
another user anywhere. A name is looked at right before it is used, and a file is opened so that
its last step cannot be a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_READ = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for somebody to write
)
_LEVELS = 3  # below the runs directory: date, time, batch


class LedElsewhereError(OSError):
    """A symbolic link, or something that is no plain file, stands where our own should."""


def require_own_place(directory: Path, levels: int = _LEVELS) -> None:
    """Refuse a directory that is reached through a link, looking at its last `levels` names: a run
    directory stands three below the runs directory. Raises LedElsewhereError."""
    place = str(directory)
    for _ in range(levels):
        if os.path.islink(place):
            raise LedElsewhereError(f"{place} is a symbolic link")
        place = os.path.dirname(place)


def open_plain(path: Path) -> BinaryIO:
    """A plain file, for reading. Raises OSError."""
    if os.path.islink(path):  # where the system knows no O_NOFOLLOW
        raise LedElsewhereError(f"{path} is a symbolic link")
    fd = os.open(path, _READ)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise LedElsewhereError(f"{path} is no plain file")
    return os.fdopen(fd, "rb")


def size_of(path: Path) -> int:
    """The size of a file; 0 where there is none. A link is not followed. Raises OSError."""
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def run_directories(runs: Path) -> Iterator[Path]:
    """What may be a run directory below `runs`, the oldest first. Raises OSError."""
    level = [str(runs)]
    for _ in range(_LEVELS):
        level = [path for parent in level for path in _directories(parent)]
    return map(Path, level)


def _directories(parent: str) -> list[str]:
    with os.scandir(parent) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
