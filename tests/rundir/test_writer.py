from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from argus.rundir import writer


def test_the_writer_is_this_process_on_this_machine():
    assert writer.host_name() == (platform.node() or "unknown-host")
    assert writer.user_id() == (os.getuid() if hasattr(os, "getuid") else -1)


@pytest.mark.skipif(sys.platform != "linux", reason="boots are told apart by Linux alone")
def test_the_boot_has_an_id():
    assert writer.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_command_is_told_as_given_without_its_secrets():
    assert writer.command("train.py --token abc --lr 1") == "train.py --token *** --lr 1"
    assert len(writer.command("x" * 100_000)) == 4_096


def test_the_command_of_a_process_is_that_which_started_it():
    code = "from argus.rundir.writer import command; print(command(None))"
    done = subprocess.run(
        [sys.executable, "-c", code, "--api-key", "abc", "two words"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "--api-key *** 'two words'" in done.stdout
    assert "abc" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_a_process_that_has_ended_is_dead_also_where_nobody_asks_how():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    described = {**writer.identity(), "pid": child.pid}
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays what it is: a zombie
        assert writer.lives(described) is False
    finally:
        child.communicate(timeout=30)
    assert writer.lives({**described, "pid": os.getpid()}) is True
