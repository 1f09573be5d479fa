"""Where the control groups of this process are, from what the kernel says of it: pure text.

Of each controller, the directories that bind this process, its own first and the outermost last,
below the mounts that this process sees: cgroups(7), proc_pid_cgroup(5), proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OCTAL = re.compile(r"\\([0-7]{3})")  # how mountinfo writes a space


class Hierarchy(NamedTuple):
    """The directories that bind a process, innermost first, and the version of their files."""

    version: int
    directories: tuple[str, ...]


class _Mount(NamedTuple):
    version: int
    controllers: frozenset[str]
    root: str  # the group that is mounted here, as the process names it
    point: str


def hierarchy(
    controller: str, cgroup: str, mountinfo: str, is_there: Callable[[str], bool]
) -> Hierarchy | None:
    """Where `controller` binds the process whose two files these are; None where no mount shows it.

    A controller is either in a hierarchy of version 1 or in that of version 2, never in both.
    """
    paths = _paths(cgroup)
    for mount in sorted(_mounts(mountinfo), key=lambda mount: mount.version):
        if mount.version == 1 and controller not in mount.controllers:
            continue
        path = paths.get(controller if mount.version == 1 else "")
        if path is not None:
            return Hierarchy(mount.version, _directories(mount, path, is_there))
    return None


def _directories(mount: _Mount, path: str, is_there: Callable[[str], bool]) -> tuple[str, ...]:
    """From the group of the process up to the mount, as far as it can be seen.

    A path that leads out of what is mounted, as a container's may, is bound by the mount's group.
    """
    inside = path
    if mount.root != "/":
        below = path == mount.root or path.startswith(mount.root + "/")
        inside = path[len(mount.root) :] if below else "/"
    parts = [part for part in inside.split("/") if part]
    if ".." in parts:
        parts = []
    found = []
    for length in range(len(parts), -1, -1):
        directory = "/".join([mount.point.rstrip("/"), *parts[:length]])
        if is_there(directory):
            found.append(directory)
    return tuple(found)


def _paths(cgroup: str) -> dict[str, str]:
    """The group of each controller of version 1, and that of version 2 under the empty name."""
    paths = {}
    for line in cgroup.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            paths[controller] = path.removesuffix(" (deleted)")
    return paths


def _mounts(mountinfo: str) -> list[_Mount]:
    mounts = []
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")
        if not dash or len(fields) < 5 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        version = 2 if kind[0] == "cgroup2" else 1
        options = frozenset(kind[-1].split(","))
        mounts.append(_Mount(version, options, _plain(fields[3]), _plain(fields[4])))
    return mounts


def _plain(escaped: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), escaped)
