"""Disks to be broken, and what a training does on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import argus
from tests.chaos.figures import count
from tests.environment import quiet
from tests.platform.peers import StandIn

ROOT = hasattr(os, "getuid") and os.getuid() == 0
TEXT = "x" * 400
# Far more than any of this takes, far less than a caller who waits for the disk would.
UNHELD_S = 4.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(str(argus.__file__)).parents[1])}


def report(epochs: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    """A batch of one job; none of it is held up. `meanwhile` happens in the middle."""
    started = time.monotonic()
    with quiet() as r, r.job("j") as j:
        for epoch in range(epochs // 2):
            j.epoch(epoch, text=TEXT)
        assert time.monotonic() - started < UNHELD_S
        meanwhile()
        again = time.monotonic()
        for epoch in range(epochs // 2, epochs):
            j.epoch(epoch, text=TEXT)
        assert time.monotonic() - again < UNHELD_S
        leaving = time.monotonic()
    assert time.monotonic() - leaving < UNHELD_S + 5.0
    count("faults played")
    count("calls", epochs)


def epochs_of(platform: StandIn) -> list[int]:
    epochs = [event["data"]["epoch"] for event in platform.events("job_epoch")]
    count("events delivered", len(epochs))
    return epochs


def once(condition: Callable[[], Any], what: str) -> Any:
    """The value of a condition, once it holds."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        threading.Event().wait(0.02)
    raise AssertionError(f"not within 20 s: {what}")


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a small file system of its own; skips where that is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def mount_(*options: str) -> Path:
        if not ROOT or not shutil.which("mount"):
            pytest.skip("only root can mount a small disk")
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
        mounted.append(place)
        return place

    yield mount_
    for each in mounted:
        subprocess.run(["umount", "-l", str(each)], check=True)


@contextmanager
def closed_directory(path: Path) -> Iterator[None]:
    """Nothing can be made in or removed from that directory."""
    if not ROOT:
        path.chmod(0o500)
    elif (
        not shutil.which("chattr") or subprocess.run(["chattr", "+i", path], check=False).returncode
    ):
        pytest.skip("nothing closes a directory to root here")
    try:
        yield
    finally:
        if ROOT:
            subprocess.run(["chattr", "-i", path], check=True)
        else:
            path.chmod(0o700)


def take_away(path: Path) -> None:
    """Remove a tree at once, whatever is written into it meanwhile."""
    gone = path.with_name(f"{path.name}.gone")
    path.rename(gone)
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()


class Child:
    """A process that runs a script until it is killed, and says things meanwhile."""

    def __init__(self, script: str, *argv: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *argv],
            env={**ENVIRONMENT, **{k: v for k, v in os.environ.items() if k.startswith("ARGUS_")}},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def hear(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def let_go(self) -> None:
        """End its standard input, which it waits for."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.stdin = None

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.communicate()

    def end(self) -> int:
        """Let it end by itself; its exit status."""
        self._process.communicate(timeout=60)
        return self._process.returncode
