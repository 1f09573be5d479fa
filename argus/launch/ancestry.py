"""What launched a process: the nearest ancestor that is not one of the ranks itself.

Wrappers (a shell, numactl, a profiler) hand their environment down, so they have the rank's own
variable; the launcher has not, or is somebody else's process that nobody may look into.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple, Optional

_MOST_GENERATIONS = 32
_STARTED = 19  # the field that tells it, in ticks since the boot; the first is behind the name


class Launcher(NamedTuple):
    """A process that can be told from all others, of this boot and of earlier ones."""

    identity: Optional[str]
    generations: int  # from the rank up to it: 1 for its own children
    pid: int = 0


def launcher_of(mark: str, pid: int, proc: Path) -> Launcher:
    """The launcher of process `pid`, whose ranks have the variable `mark`.

    Only the environment that a process was started with can be seen. Where `pid` was started
    without `mark`, it is its own launcher.
    """
    generations = 0
    while generations < _MOST_GENERATIONS and started_with(mark, pid, proc):
        parent = _parent(pid, proc)
        if not parent:
            return Launcher(None, generations)
        pid = parent
        generations += 1
    return Launcher(_identity(pid, proc), generations, pid)


def started_with(name: str, pid: int, proc: Path) -> bool:
    """Whether a process was started with that variable; False where nobody may know."""
    return _started_value(name, pid, proc) is not None


def started_value(name: str, pid: int, proc: Path) -> str:
    """The value of a variable that a process was started with; empty where nobody may know."""
    return (_started_value(name, pid, proc) or b"").decode("utf-8", "replace")


def boot_id(proc: Path) -> str | None:
    """What changes with each start of this machine; None where it does not say."""
    try:
        return (proc / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None


def started_at(pid: int, proc: Path) -> float:
    """When a process has begun, in seconds since the boot; infinity where nobody says."""
    started = _stat(pid, proc)[_STARTED : _STARTED + 1]
    return int(started[0]) / os.sysconf("SC_CLK_TCK") if started else math.inf


def _started_value(name: str, pid: int, proc: Path) -> bytes | None:
    try:
        content = (proc / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    prefix = name.encode() + b"="
    found = (entry for entry in content.split(b"\0") if entry.startswith(prefix))
    return next((entry[len(prefix) :] for entry in found), None)


def _identity(pid: int, proc: Path) -> str | None:
    started, boot = _stat(pid, proc)[_STARTED : _STARTED + 1], boot_id(proc)
    try:
        namespace = os.readlink(proc / "self/ns/pid")
    except OSError:
        return None
    return f"{boot}/{namespace}/{pid}/{started[0]}" if started and boot else None


def _parent(pid: int, proc: Path) -> int:
    fields = _stat(pid, proc)
    return int(fields[1]) if len(fields) > 1 else 0


def _stat(pid: int, proc: Path) -> list[str]:
    """The fields of proc(5)'s stat behind the name, which may hold blanks and brackets."""
    try:
        text = (proc / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
