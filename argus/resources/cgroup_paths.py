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
    controller: str,
    cgroup: str,
    mountinfo: str,
    is_there: Callable[[str], bool],
    own_group: Callable[[str, int], str | None],
) -> Hierarchy | None:
    """Where `controller` binds the process whose two files these are; None where no mount shows it.

    A controller is either in a hierarchy of version 1 or in that of version 2, never in both.
    `own_group` looks for the process's group so many levels below a mount, where no name is known.
    """
    paths = _paths(cgroup)
    for mount in sorted(_mounts(mountinfo), key=lambda mount: mount.version):
        if mount.version == 1 and controller not in mount.controllers:
            continue
        path = paths.get(controller if mount.version == 1 else "")
        if path is not None:
            own = _own_directory(mount, path, own_group)
            return Hierarchy(mount.version, _up_to_the_mount(mount, own, is_there))
    return None


def _own_directory(mount: _Mount, path: str, own_group: Callable[[str, int], str | None]) -> str:
    """The group of the process below a mount, as far as it can be seen.

    A path that leads out of what is mounted, as a container's may, is bound by the mount's group.
    """
    point, levels_up = mount.point.rstrip("/"), mount.root.split("/").count("..")
    if levels_up:
        # The machine's own mount, seen from a namespace that knows no names above its own.
        levels_down = sum(1 for part in path.split("/") if part)
        return own_group(point, levels_up + levels_down) or point
    if mount.root == "/":
        inside = path
    else:
        below = path == mount.root or path.startswith(mount.root + "/")
        inside = path[len(mount.root) :] if below else "/"
    return point if ".." in inside.split("/") else (point + inside).rstrip("/")


def _up_to_the_mount(mount: _Mount, own: str, is_there: Callable[[str], bool]) -> tuple[str, ...]:
    point = mount.point.rstrip("/")
    parts = [part for part in own[len(point) :].split("/") if part]
    directories = ["/".join([point, *parts[:length]]) for length in range(len(parts), -1, -1)]
    return tuple(directory for directory in directories if is_there(directory))


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
