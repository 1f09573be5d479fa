"""What dead processes have left, and what is done to their files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from argus.core.events import Encoder
from argus.rundir import layout
from argus.rundir.run import RunDirectory
from tests.chaos.disks import once
from tests.chaos.figures import count
from tests.environment import quiet
from tests.platform.peers import StandIn

EVENTS = 6
PRECIOUS = b"precious\n"
FILES = [
    "events.jsonl",
    "lock",
    "delivered",
    "run.json",
    "media.jsonl",
    "rejected.jsonl",
    "heartbeat",
]


def left_behind(name: str, url: str, events: int = EVENTS, **content: Any) -> Path:
    """The directory of a process that was killed, with every file that there can be."""
    path = layout.spill_dir(Path("state"), name, "host", 1, "0a")
    run = RunDirectory.create(path, kept=False)
    run.describe({"batch_id": name, "url": url, **content})
    encoder = Encoder(name, {"project": "p"}, os.urandom(10))
    lines = [
        encoder.encode(cast(Any, ("job_epoch", 1.0 * epoch, "j", {"epoch": epoch}, None)))
        for epoch in range(events)
    ]
    run.journal.append(lines)
    run.beat()
    run.release()
    return path


def received(platform: StandIn) -> dict[str, list[int]]:
    """The epochs that have arrived of each batch."""
    epochs: dict[str, list[int]] = {}
    for event in platform.events("job_epoch"):
        epochs.setdefault(event["batch_id"], []).append(event["data"]["epoch"])
    count("events delivered", sum(map(len, epochs.values())))
    return epochs


def precious_files() -> Path:
    """A directory that nobody may touch."""
    place = Path("elsewhere").absolute()
    place.mkdir()
    for name in FILES:
        (place / name).write_bytes(PRECIOUS)
        (place / name).chmod(0o640)
        os.utime(place / name, (1_000, 1_000))
    return place


def untouched(place: Path) -> bool:
    return sorted(path.name for path in place.iterdir()) == sorted(FILES) and all(
        path.read_bytes() == PRECIOUS
        and (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o640, 1_000)
        for path in place.iterdir()
    )


def deliver(until: Callable[[], bool]) -> None:
    """A run that takes up what is left, until it has."""
    with quiet() as r:
        once(until, "all leftovers looked at")
        marker = r.batch_id
    assert marker


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def with_link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def with_fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def with_directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def with_socket(path: Path) -> None:
    path.unlink(missing_ok=True)
    before = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(before)


ALL = list(range(EVENTS))


def event_lines(run: Path) -> list[bytes]:
    return (run / "events.jsonl").read_bytes().splitlines()
