"""A command as a process: what it finds, and which signals reach whom."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import pytest

if sys.platform == "win32":
    pytest.skip("processes of POSIX", allow_module_level=True)

from argus.wrap import posix
from argus.wrap.posix import Command

LIMIT_S = 30.0


def started(*argv: str) -> Command:
    """Its output goes where that of the tests does; it should print nothing."""
    return Command(argv, os.environ, blocked=(), listens=False)


def until(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not met():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def ended(command: Command) -> int:
    until(lambda: command.poll() is not None)
    assert command.returncode is not None
    return command.returncode


@pytest.fixture(params=[False, True], ids=["a group of its own", "our group"])
def shares(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a terminal sends both of us its signals."""
    monkeypatch.setattr(posix, "_in_the_foreground", lambda: request.param)
    return bool(request.param)


def test_exit_codes_and_deaths() -> None:
    assert ended(started("sh", "-c", "exit 7")) == 7
    assert ended(started("sh", "-c", "kill -KILL $$")) == -signal.SIGKILL


def test_what_python_ignores_it_does_not() -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    assert ended(started("sh", "-c", "kill -PIPE $$")) == -signal.SIGPIPE


def test_what_a_terminal_sends_is_passed_on_only_where_it_did_not_arrive(shares: bool) -> None:
    command = started("sleep", "60")
    command.pass_on(signal.SIGINT, from_kernel=True)
    command.pass_on(signal.SIGTERM, from_kernel=False)
    assert ended(command) == -(signal.SIGTERM if shares else signal.SIGINT)


@pytest.mark.usefixtures("shares")
def test_what_it_has_started_ends_with_it() -> None:
    """And we, in the same group or not, do not."""
    if not os.path.exists("/proc/self/task"):
        pytest.skip("this system does not show who descends from whom")
    command = started("sh", "-c", "sleep 60; true")
    pid = command._pid
    until(lambda: len(list(posix._tree(pid))) == 2)
    [child] = set(posix._tree(pid)) - {pid}
    command.send_all(signal.SIGKILL)
    assert ended(command) == -signal.SIGKILL
    until(lambda: not _lives(child))


@pytest.mark.usefixtures("shares")
def test_a_signal_for_what_has_ended_reaches_nobody() -> None:
    command = started("true")
    ended(command)
    command.pass_on(signal.SIGTERM, from_kernel=False)
    command.send_all(signal.SIGTERM)


def _lives(pid: int) -> bool:
    """A zombie whom nobody has reaped is dead enough."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
