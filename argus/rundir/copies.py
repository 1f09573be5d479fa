"""`media/` of a kept run: each artifact as it was when it was handed in.

A copy, where that is cheap: scripts write `loss.png` anew in its place, epoch after epoch, and a hard
link would change with it. A large file is linked, and so is what has not changed since it was copied.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from argus.rundir import files, layout

MEDIA_DIR = "media"

LINKED_FROM = 8_388_608  # bytes
_PIECE_BYTES = 1_048_576
_MAX_REMEMBERED = 4_096
# A file may be written again within one tick of its file system's clock, as large as before.
_SETTLED_S = 2.0


class Copy(NamedTuple):
    """Where a copy is, relative to the run directory with `/` between, and its size."""

    path: str
    size: int


class Copies:
    """The copies of one run directory. For one thread."""

    def __init__(self, run_directory: Path) -> None:
        self._directory = run_directory / MEDIA_DIR
        self._number = 0  # of the last one; 0: not looked up yet
        self._made: dict[str, tuple[tuple[int, ...], Path]] = {}  # by source: how it was then

    def add(self, source: str) -> Copy:
        """Copy or link a file. Raises OSError where it cannot be read, or the disk refuses."""
        source = os.path.realpath(source)
        files.make_inner_dir(self._directory)
        if not self._number:
            self._number = len(os.listdir(self._directory))
        self._number, target = free_path(self._directory, source, self._number + 1)
        looks = _looks(os.stat(source))
        before, copy = self._made.get(source, ((), target))
        linked = copy if before == looks else Path(source)
        may_link = before == looks or os.path.getsize(source) >= LINKED_FROM
        if not may_link or not _link(linked, target):
            _copy(source, target)
            self._remember(source, looks, target)
        return Copy(f"{MEDIA_DIR}/{target.name}", target.stat().st_size)

    def restore(self, path: str, source: str) -> None:
        """Copy a file once more, to where a copy of it was. Raises OSError as `add` does."""
        files.make_inner_dir(self._directory)
        _copy(os.path.realpath(source), self._directory.parent / path)

    def _remember(self, source: str, looks: tuple[int, ...], target: Path) -> None:
        now = os.stat(source)
        if _looks(now) == looks and now.st_mtime < time.time() - _SETTLED_S:
            if len(self._made) >= _MAX_REMEMBERED:
                self._made.clear()
            self._made[source] = (looks, target)


def free_path(directory: Path, filename: str, number: int) -> tuple[int, Path]:
    """A name that no other copy has, whatever the file is called: `0001-loss.png`, from `number` on.
    For one process at a time."""
    stem, suffix = os.path.splitext(os.path.basename(filename))
    while (path := directory / f"{number:04d}-{layout.file_name(stem)}{suffix.lower()}").exists():
        number += 1  # a crash came between the file and its line in the list
    return number, path


def _looks(info: os.stat_result) -> tuple[int, ...]:
    """What is another once a file was written."""
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _link(source: Path, target: Path) -> bool:
    """False where that is not possible: other file system, other owner, no links here."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _copy(source: str, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    read = files.open_read(Path(source))
    try:
        written = files.open_append(temporary, private=False)
        try:
            while piece := os.read(read, _PIECE_BYTES):
                files.write_all(written, piece)
        finally:
            os.close(written)
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(read)
