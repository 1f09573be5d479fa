"""Who launched a process: a checked-in tree of /proc, and this machine's own."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from argus.launch.ancestry import boot_id, launcher_of, started_at, started_with

PROC = Path("/proc")
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="there is no /proc on this machine"
)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("boot-1\n")
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    return tmp_path


def process(proc: Path, pid: int, parent: int, started: int, environ: bytes | None) -> None:
    directory = proc / str(pid)
    directory.mkdir()
    fields = ["S", str(parent), *["0"] * 17, str(started), "0"]
    (directory / "stat").write_text(f"{pid} (a b) c) {' '.join(fields)}\n")
    if environ is not None:
        (directory / "environ").write_bytes(environ)


def test_wrappers_are_looked_through(proc: Path):
    process(proc, 10, 1, 500, b"PATH=/bin\0")
    process(proc, 20, 10, 600, b"PATH=/bin\0RANK=3\0")
    process(proc, 30, 20, 700, b"RANK=3\0")

    assert launcher_of("RANK", 30, proc) == ("boot-1/pid:[1]/10/500", 2, 10)
    assert launcher_of("RANK", 20, proc) == ("boot-1/pid:[1]/10/500", 1, 10)


def test_a_process_that_had_become_a_rank_itself_launched_itself(proc: Path):
    process(proc, 10, 1, 500, b"PATH=/bin\0OTHER_RANK=1\0X=RANK=1\0")

    assert launcher_of("RANK", 10, proc) == ("boot-1/pid:[1]/10/500", 0, 10)


def test_a_launcher_of_another_user_is_one_that_nobody_may_look_into(proc: Path):
    process(proc, 10, 1, 500, None)
    process(proc, 20, 10, 600, b"RANK=3\0")

    assert launcher_of("RANK", 20, proc) == ("boot-1/pid:[1]/10/500", 1, 10)


def test_a_launcher_that_cannot_be_seen_at_all_has_no_identity(proc: Path):
    process(proc, 20, 10, 600, b"RANK=3\0")

    assert launcher_of("RANK", 20, proc).identity is None
    assert launcher_of("RANK", 99, proc).identity is None


def test_ranks_all_the_way_up_have_no_launcher(proc: Path):
    process(proc, 1, 0, 5, b"RANK=0\0")  # a container whose environment names the rank

    assert launcher_of("RANK", 1, proc) == (None, 0, 0)


@needs_proc
def test_this_process_and_its_child():
    code = "import os; os.write(1, b'.'); os.read(0, 1)"
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "ARGUS_TEST_MARK": "1"},
    )
    try:
        assert child.stdout is not None
        child.stdout.read(1)  # before, the system may not know its environment yet
        launcher = launcher_of("ARGUS_TEST_MARK", child.pid, PROC)
        assert launcher == launcher_of("ARGUS_TEST_MARK", os.getpid(), PROC)._replace(generations=1)
        assert launcher.identity is not None
        assert launcher.pid == os.getpid()
        assert started_with("ARGUS_TEST_MARK", child.pid, PROC)
        assert not started_with("ARGUS_TEST_MARK", os.getpid(), PROC)
        assert started_at(child.pid, PROC) >= started_at(os.getpid(), PROC) > 0
    finally:
        child.communicate()


def test_what_a_machine_does_not_say(tmp_path: Path):
    assert boot_id(tmp_path) is None
    assert started_at(1, tmp_path) == math.inf
