"""Who writes a run: host, user, process and boot, so that a reader can tell a dead writer."""

from __future__ import annotations

import functools
import getpass
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argus.core.redact import command_line, redacted

_MAX_COMMAND = 4_096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def host_name() -> str:
    """The name of this machine, as its network knows it."""
    return platform.node() or "unknown-host"


def user_name() -> str | None:
    """The name of the user, or None where even the system does not know it (a bare container)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


def user_id() -> int:
    """The numeric user, or -1 where the system has none."""
    return os.getuid() if hasattr(os, "getuid") else -1


@functools.lru_cache(maxsize=1)
def boot_id() -> str | None:
    """What changes with each start of this machine: a pid of an earlier boot means nothing."""
    try:
        return _BOOT_ID.read_bytes().decode().strip()
    except OSError:
        return None


def identity() -> dict[str, Any]:
    """This process as the sidecar of its run names it."""
    return {"pid": os.getpid(), **_whereabouts()}


def is_certainly_dead(content: Mapping[str, Any]) -> bool:
    """Whether the process that a sidecar names has ended, as this very boot of its machine knows."""
    return _is_from_here(content, _whereabouts()) and lives(content) is False


def lives(content: Mapping[str, Any]) -> bool | None:
    """Whether the process that a sidecar names is alive; None where that cannot be told: only the
    machine that it ran on can, and a container only of its own processes."""
    pid, here = content.get("pid"), _whereabouts()
    if not isinstance(pid, int) or pid <= 0:
        return None
    if not _is_from_here(content, here):
        boot_id, host = content.get("boot_id"), content.get("host")
        has_restarted = None not in (boot_id, here["boot_id"]) and boot_id != here["boot_id"]
        return False if has_restarted and host == here["host"] else None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process
        return True
    except (OSError, OverflowError):
        return None
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended, and nobody has asked how: a container whose first process does
    not look after orphans keeps them for ever. proc(5)"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] in (b"Z", b"X")
    except OSError:  # no Linux, or it has gone just now
        return False


def _is_from_here(content: Mapping[str, Any], here: Mapping[str, str | None]) -> bool:
    return None not in here.values() and all(content.get(key) == here[key] for key in here)


def _whereabouts() -> dict[str, str | None]:
    """What a pid means something within; the last two are None where the system has no such."""
    return {"host": host_name(), "boot_id": boot_id(), "pid_namespace": _pid_namespace()}


def _pid_namespace() -> str | None:
    try:
        return os.readlink(_PID_NAMESPACE)
    except OSError:
        return None


def command(given: str | list[str] | None) -> str:
    """The command that a run was started with: as given, a text or an argv, or as this process
    was; secrets hidden."""
    if isinstance(given, str):
        return redacted(given)[:_MAX_COMMAND]
    # orig_argv has the interpreter and `-m` too; Python 3.9 does not know it yet.
    words = getattr(sys, "orig_argv", sys.argv) if given is None else given
    return command_line(words)[:_MAX_COMMAND]
