"""Disks that are taken away or stalled while a run writes: it is noticed, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.disks import Child, epochs_of, mount, once, report, take_away
from tests.chaos.figures import count
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "mount", "platform", "said"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="disks are broken in the way of POSIX")

_TRAINING = """
import sys
from argus import Reporter
with Reporter(heartbeat=False, stop_polling=False, resource_snapshot=False) as r, r.job("j") as j:
    for epoch in range(700):
        j.epoch(epoch)
    print("reported", flush=True)
    sys.stdin.read()
"""


def event_files(count_of_lines: int) -> list[Path]:
    """The event files below the state directory that have so many lines."""
    found = Path("state").glob("spill/*/events.jsonl")
    return [path for path in found if path.read_bytes().count(b"\n") == count_of_lines]


def deliver_what_is_left(platform: StandIn, events: int) -> None:
    platform.mode("ok")
    with quiet():
        platform.wait_for(events)
    once(lambda: not files_below(Path("state")), "an empty state directory")


@pytest.mark.parametrize("what", ["state", "run"])
def test_what_is_removed_under_a_run_is_written_again_and_survives_a_kill(
    platform: StandIn, what: str
) -> None:
    platform.mode("status:503")
    child = Child(_TRAINING)
    try:
        assert child.hear() == "reported"
        (events,) = once(lambda: event_files(702), "all events")
        removed = {"run": events.parent, "events.jsonl": events}.get(what, Path(what))
        if removed.is_dir():
            shutil.rmtree(removed)
        else:
            removed.unlink()
        (again,) = once(lambda: event_files(702), "all events, again")
        assert again != events
    finally:
        child.kill()
    count("kills")
    count("faults played")

    deliver_what_is_left(platform, 702 + 1)
    assert epochs_of(platform) == list(range(700))


def test_removal_is_said_once_and_costs_nothing(
    platform: StandIn, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "1")
    platform.mode("status:503")

    def remove() -> None:
        once(lambda: event_files(402), "all events")
        for _ in range(2):
            take_away(Path("state"))
            once(lambda: list(Path("state").glob("spill/*/heartbeat")), "a run, again")

    report(800, meanwhile=remove)

    assert ["was removed" in message for message in said] == [True, False], said
    deliver_what_is_left(platform, 804 + 1)
    assert epochs_of(platform) == list(range(800))


def test_removal_of_what_is_delivered_costs_nothing(platform: StandIn, said: list[str]) -> None:
    def remove() -> None:
        platform.wait_for(402)
        take_away(Path("state"))

    report(800, meanwhile=remove)

    assert epochs_of(platform) == list(range(800))
    assert len(said) <= 1, said
    assert files_below(Path("state")) == []


def test_removal_without_any_other_place_still_delivers(
    platform: StandIn, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    platform.mode("status:503")

    def remove() -> None:
        once(lambda: event_files(402), "all events")
        take_away(Path("state"))
        Path("state").touch()
        once(lambda: said, "a warning")
        platform.mode("ok")

    report(800, meanwhile=remove)

    assert epochs_of(platform) == list(range(800))
    assert len(said) == 1, said


class Stall:
    """An `os` function that, in the sender's thread, begins to wait until `end`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._over = threading.Event()
        self.begun = threading.Event()
        function = getattr(os, name)

        def stalled(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread().name == "argus-sender":
                self.begun.set()
                self._over.wait(60.0)
            return function(*args, **kwargs)

        monkeypatch.setattr(os, name, stalled)

    def end(self) -> None:
        self._over.set()


@pytest.fixture
def stall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stall]]:
    stalls: list[Stall] = []

    def begin(name: str) -> Stall:
        stalls.append(Stall(monkeypatch, name))
        return stalls[-1]

    yield begin
    for each in stalls:
        each.end()


@pytest.mark.parametrize("name", ["write", "open", "fsync", "replace", "stat"])
def test_stall_holds_nobody_up_and_delivery_goes_on_after_it(
    platform: StandIn, stall: Callable[[str], Stall], said: list[str], name: str
) -> None:
    disk = stall(name)

    def go_on() -> None:
        assert disk.begun.wait(20.0)
        disk.end()

    report(2_000, meanwhile=go_on)

    assert epochs_of(platform) == list(range(2_000))
    assert said == []
    assert files_below(Path("state")) == []


def test_stall_that_does_not_end_does_not_hold_the_exit(
    platform: StandIn,
    stall: Callable[[str], Stall],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "0.5")
    disk = stall("write")
    started = time.monotonic()

    report(2_000, meanwhile=lambda: disk.begun.wait(20.0))

    assert time.monotonic() - started < 5.0
    assert len(said) == 1, said
    assert "did not end in time" in said[0]
    disk.end()  # the process goes on, and so does what it has left to do
    once(lambda: not sender_threads(), "the sender's end")
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "5")
    deliver_what_is_left(platform, 2_004 + 1)
    assert epochs_of(platform) == list(range(2_000))


def sender_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "argus-sender"]


_FREEZE = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(fd, 0xC0045877, 0)
print("frozen", flush=True)
try:
    sys.stdin.read()  # until the test has no more use for it, or is no more
finally:
    fcntl.ioctl(fd, 0xC0045878, 0)
"""


def test_frozen_file_system_is_a_stall(
    platform: StandIn,
    mount: Callable[..., Path],
    tmp_path: Path,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    long: bool,
) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(8_388_608))
    if not shutil.which("mkfs.ext4"):
        pytest.skip("there is no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    disk = mount("-o", "loop", str(image))
    monkeypatch.setenv("ARGUS_STATE_DIR", str(disk / "state"))
    freezer: list[Child] = []

    def freeze() -> None:
        platform.wait_for(1)
        freezer.append(Child(_FREEZE, str(disk)))
        if freezer[0].hear() != "frozen":
            pytest.skip("this file system cannot be frozen")

    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "5" if long else "0.5")
    try:
        report(2_000, meanwhile=freeze)
        assert len(said) == 1, said
        assert "did not end in time" in said[0]
    finally:
        for child in freezer:
            child.end()
    once(lambda: not sender_threads(), "the sender's end")
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "5")
    platform.mode("ok")
    with quiet():
        platform.wait_for(2_004 + 1)
    assert epochs_of(platform) == list(range(2_000))
