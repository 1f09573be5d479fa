"""The directories below a root, found once and then looked at only where something was added.

To add or remove an entry changes a directory's time; so a look at a thousand directories is a
thousand `stat` calls, and nothing is listed twice for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple, Optional

from argus.rundir import layout

_MAX_DEPTH = 10
_MAX_DIRECTORIES = 200_000
_MARKS = frozenset({layout.SIDECAR, layout.EVENTS})
_NOT_RUNS = frozenset({"node_modules", "__pycache__", "site-packages"})
# The clock of a file system ticks slowly: what was added in the tick of the last look has not
# changed the time that it saw.
TICK_NS = 2_000_000_000


class Change(NamedTuple):
    """A run directory that has come, or gone."""

    path: str
    is_there: bool


class _Directory:
    __slots__ = ("below", "changed_ns", "depth", "is_run")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.changed_ns = -1  # its time when it was listed; -1: look again
        self.below: frozenset[str] = frozenset()
        self.is_run = False


class Tree:
    """The run directories below `root`. Links are not followed, and nothing is looked for in a run."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, _Directory] = {root: _Directory(0)}

    @property
    def n_directories(self) -> int:
        """How many are known, runs too."""
        return len(self._known)

    def changes(self, now_ns: int) -> Iterator[Change]:
        """What has changed since the last time, as it is found. `now_ns` is the wall clock's."""
        for path in list(self._known):
            directory = self._known.get(path)
            if directory is not None and not directory.is_run:
                yield from self._look(path, directory, now_ns)

    def lose(self, path: str) -> None:
        """Take a run for gone: what stands there the next time has come."""
        list(self._forget(path))
        above = self._known.get(os.path.dirname(path))
        if above is not None:
            above.below -= {path}
            above.changed_ns = -1

    def _look(self, path: str, directory: _Directory, now_ns: int) -> Iterator[Change]:
        try:
            changed_ns = os.stat(path, follow_symlinks=path == self._root).st_mtime_ns
            if changed_ns == directory.changed_ns:
                return
            found = _listed(path)
        except OSError:
            if path != self._root:
                return  # whoever is above it sees it go
            changed_ns, found = -1, frozenset()
        is_settled = changed_ns < now_ns - TICK_NS
        directory.changed_ns = changed_ns if is_settled else -1
        if found is None:
            yield from self._forget_below(directory)
            directory.is_run = True
            yield Change(path, True)
            return
        gone, come = directory.below - found, found - directory.below
        directory.below = found
        for each in gone:
            yield from self._forget(each)
        if directory.depth >= _MAX_DEPTH:
            return
        for each in sorted(come):
            if each not in self._known and len(self._known) < _MAX_DIRECTORIES:
                self._known[each] = _Directory(directory.depth + 1)
                yield from self._look(each, self._known[each], now_ns)

    def _forget(self, path: str) -> Iterator[Change]:
        directory = self._known.pop(path, None)
        if directory is None:
            return
        if directory.is_run:
            yield Change(path, False)
        yield from self._forget_below(directory)

    def _forget_below(self, directory: _Directory) -> Iterator[Change]:
        for each in directory.below:
            yield from self._forget(each)
        directory.below = frozenset()


def _listed(path: str) -> Optional[frozenset[str]]:
    """The directories in one; None where it is a run. Raises OSError."""
    below = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name in _MARKS and entry.is_file(follow_symlinks=False):
                return None
            if entry.name.startswith(".") or entry.name in _NOT_RUNS:
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
    return frozenset(below)
