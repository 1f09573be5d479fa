"""Disks that are full, closed or refuse: nobody is held up, and everything arrives."""

from __future__ import annotations

import errno
import json
import os
import pwd
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.disks import (
    ENVIRONMENT,
    UNHELD_S,
    closed_directory,
    epochs_of,
    mount,
    once,
    report,
)
from tests.chaos.figures import count
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "mount", "platform", "said"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="disks are broken in the way of POSIX")


def test_disk_that_is_full_delivers_from_memory(
    platform: StandIn, mount: Callable[..., Path], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=128k", "tmpfs")
    monkeypatch.setenv("ARGUS_STATE_DIR", str(disk / "state"))
    platform.mode("status:503")

    def take() -> None:
        once(lambda: said, "a warning")
        platform.mode("ok")

    report(1_000, meanwhile=take)

    assert epochs_of(platform) == list(range(1_000))
    assert len(said) == 1, said
    assert "No space left" in said[0]
    assert files_below(disk) == []


def test_disk_that_has_room_again_is_written_again(
    platform: StandIn, mount: Callable[..., Path], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount("-t", "tmpfs", "-o", "size=1m", "tmpfs")
    monkeypatch.setenv("ARGUS_STATE_DIR", str(disk / "state"))
    monkeypatch.setenv("ARGUS_EXIT_TIMEOUT", "1")
    (disk / "occupied").write_bytes(bytes(900_000))
    platform.mode("status:503")

    def make_room() -> None:
        once(lambda: said, "a warning")
        (disk / "occupied").unlink()

    report(1_000, meanwhile=make_room)

    assert len(said) == 2, said  # the disk; and that events are kept
    events = next(disk.rglob("events.jsonl")).read_bytes().splitlines()
    assert len(events) == 1_004
    platform.mode("ok")
    with quiet():
        platform.wait_for(1_005)
    assert epochs_of(platform) == list(range(1_000))


_LIMITED = """
import json, logging, resource, sys, time
from argus import Reporter
said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("argus").addHandler(Said(logging.WARNING))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
started = time.monotonic()
with Reporter(heartbeat=False, stop_polling=False, resource_snapshot=False) as r, r.job("j") as j:
    for epoch in range(500):
        j.epoch(epoch, text="x" * 400)
    inside_s = time.monotonic() - started
print(json.dumps([inside_s, said]))
"""


@pytest.mark.parametrize("limit", [0, 30_000])
def test_limit_on_the_size_of_files_is_a_full_disk(platform: StandIn, limit: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(limit)],
        env={**ENVIRONMENT, **{k: v for k, v in os.environ.items() if k.startswith("ARGUS_")}},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    inside_s, said = json.loads(done.stdout)

    assert inside_s < UNHELD_S
    assert len(said) == 1, said
    assert "cannot be written" in said[0]
    assert epochs_of(platform) == list(range(500))
    assert files_below(Path("state")) == []
    count("faults played")


class Refusal:
    """A disk that refuses what the sender writes, while it `holds`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: int, also: tuple[str, ...]) -> None:
        self.holds = True
        self.refused = 0
        self._code = code
        for name in ("write", *also):
            monkeypatch.setattr(os, name, self._refusing(getattr(os, name)))

    def _refusing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            if self.holds and threading.current_thread().name == "argus-sender":
                self.refused += 1
                raise OSError(self._code, os.strerror(self._code))
            return function(*args, **kwargs)

        return refuse


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("EDQUOT", ()),
        ("EIO", ("ftruncate", "replace", "fsync", "mkdir")),
        ("EACCES", ("open", "replace", "utime")),
        ("ESTALE", ("stat", "replace", "fstat")),
    ],
)
def test_disk_that_refuses_everything_for_a_while_costs_nothing(
    platform: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    name: str,
    also: tuple[str, ...],
) -> None:
    disk = Refusal(monkeypatch, getattr(errno, name), also)

    def recover() -> None:
        once(lambda: disk.refused, "a refusal")
        platform.wait_for(1)  # from memory
        disk.holds = False

    report(700, meanwhile=recover)

    assert epochs_of(platform) == list(range(700))
    assert len(said) <= 1, said
    assert platform.stats()["rejected"] == 0


@pytest.mark.parametrize("nobody", [False, True])
def test_home_that_cannot_be_written_or_is_none_has_the_temporary_directory_instead(
    platform: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    nobody: bool,
) -> None:
    monkeypatch.delenv("ARGUS_STATE_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    if nobody:
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.delattr(pwd, "getpwuid")  # the database knows no such user
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid], raising=False)
    else:
        monkeypatch.setenv("HOME", "/proc")
    platform.mode("close")

    report(10)

    (kept,) = (tmp_path / "tmp").glob("argus-*/spill/*/events.jsonl")
    assert len(kept.read_bytes().splitlines()) == 14
    assert len(said) == 1, said
    platform.mode("ok")
    with quiet():
        platform.wait_for(15)
    assert epochs_of(platform) == list(range(10))


def test_disk_that_is_mounted_read_only_delivers_from_memory(
    platform: StandIn, mount: Callable[..., Path], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount("-t", "tmpfs", "-o", "ro", "tmpfs")
    monkeypatch.setenv("ARGUS_STATE_DIR", str(disk / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(disk))

    report(10)

    assert epochs_of(platform) == list(range(10))
    assert len(said) == 1, said


def test_directory_that_is_closed_during_the_run_costs_nothing(
    platform: StandIn, said: list[str]
) -> None:
    with ExitStack() as closed:

        def close() -> None:
            run = once(lambda: list(Path("state").glob("spill/*/run.json")), "a run")[0].parent
            closed.enter_context(closed_directory(run))

        report(600, meanwhile=close)

    assert epochs_of(platform) == list(range(600))
    assert len(said) <= 1, said
    with quiet():  # it could not be removed, and need not be sent again but once
        once(lambda: len(list(Path("state/spill").iterdir())) == 1, "only the run at hand")
    assert epochs_of(platform) == list(range(600))
