"""What a process holds, as Linux tells: memory, threads, descriptors."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Held(NamedTuple):
    """What a process holds at a moment."""

    rss_bytes: int
    threads: int
    sockets: int
    files: int


def held_by(pid: int) -> Held:
    status = (PROC / str(pid) / "status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    opened = [_link(path) for path in (PROC / str(pid) / "fd").iterdir()]
    sockets = sum(name.startswith("socket:") for name in opened)
    return Held(
        rss_bytes=int(fields["VmRSS"].split()[0]) * 1024,
        threads=int(fields["Threads"]),
        sockets=sockets,
        files=len(opened) - sockets,
    )


def wait_until(met: Callable[[], bool], within_s: float = 30.0) -> None:
    """Looks again and again, until `met`; TimeoutError where it never is."""
    deadline, pause = time.monotonic() + within_s, threading.Event()
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s")
        pause.wait(0.01)


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:  # closed meanwhile
        return ""
