"""The control groups that bind this process, and the tightest of their limits: cgroup v1 and v2.

Every group above a process binds it: the smallest limit counts, with the use of the group that has
it. https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/
"""

from __future__ import annotations

import os
from typing import Generic, NamedTuple, TypeVar

from argus.resources.cgroup_paths import Hierarchy, hierarchy
from argus.resources.procfs import read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    class Machine(Protocol):
        """The same values of the whole machine."""

        def read(self, now: float) -> dict[str, float]: ...


MOST_BYTES = 1 << 16  # of a file
_LOOK_UP_S = 300.0
_MOST_GROUPS = 4096

T = TypeVar("T")


class Groups:
    """The hierarchies that bind this process, looked up again when it is moved to another group."""

    def __init__(self, root: Path) -> None:
        self._root = str(root).rstrip("/")
        self._cgroup: bytes | None = None
        self._found: dict[str, Hierarchy | None] = {}

    def of(self, controller: str) -> Hierarchy:
        """The directories of a controller; none where this system has no control groups."""
        cgroup = read_or_none(f"{self._root}/proc/self/cgroup", MOST_BYTES)
        if cgroup != self._cgroup:
            self._cgroup, self._found = cgroup, {}
        if controller not in self._found:
            self._found[controller] = self._look_up(controller, cgroup)
        return self._found[controller] or Hierarchy(2, ())

    def _look_up(self, controller: str, cgroup: bytes | None) -> Hierarchy | None:
        path = f"{self._root}/proc/self/mountinfo"
        if cgroup is None or not os.path.exists(path):
            return None
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            mountinfo = file.read()
        text = cgroup.decode("utf-8", "surrogateescape")
        found = hierarchy(controller, text, mountinfo, self._is_there, self._own_group)
        if found is None:
            return None
        return found._replace(directories=tuple(self._root + d for d in found.directories))

    def _is_there(self, directory: str) -> bool:
        return os.path.isdir(self._root + directory)

    def _own_group(self, mount: str, depth: int) -> str | None:
        """The group `depth` below a mount that lists this process; None where none can be found."""
        pid = (read_or_none(f"{self._root}/proc/self/stat", 64) or b"").split(None, 1)[:1]
        level = [self._root + mount]
        for _ in range(depth):
            level = [below for directory in level for below in _directories_in(directory)]
            if len(level) > _MOST_GROUPS:
                return None
        for directory in level:
            listed = read_or_none(f"{directory}/cgroup.procs", MOST_BYTES) or b""
            if pid and pid[0] in listed.split():
                return directory[len(self._root) :]
        return None


class Seldom(Generic[T]):
    """What hardly ever changes, looked up now and then: limits may be raised during a run."""

    def __init__(self, look_up: Callable[[], T]) -> None:
        self._look_up = look_up
        self._found: tuple[float, T] | None = None

    def at(self, now: float) -> T:
        """What it was at `now`, or not long before."""
        if self._found is None or now - self._found[0] >= _LOOK_UP_S:
            self._found = now, self._look_up()
        return self._found[1]

    def forget(self) -> None:
        """Look it up the next time."""
        self._found = None


class Limit(NamedTuple):
    """What a group, and all below it, may use."""

    value: float
    directory: str
    depth: int  # below the outermost group that can be seen


def tightest_of(
    directories: tuple[str, ...], limit_of: Callable[[str], float | None]
) -> Limit | None:
    """The smallest limit and its group: of equal ones the outermost, whose use is the larger."""
    tightest: Limit | None = None
    for depth, directory in enumerate(reversed(directories)):
        value = limit_of(directory)
        if value is not None and (tightest is None or value < tightest.value):
            tightest = Limit(value, directory, depth)
    return tightest


def _directories_in(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []  # it has just been removed
