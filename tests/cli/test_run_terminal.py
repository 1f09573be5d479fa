"""`argus run` on a terminal: the command must not notice it."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import argus
from tests.environment import clean_environment

__all__ = ["clean_environment"]

if sys.platform == "win32":
    pytest.skip("terminals of POSIX", allow_module_level=True)

import fcntl
import termios

ROOT = Path(str(argus.__file__)).resolve().parents[1]
LIMIT_S = 60.0
# Takes the terminal that it stands on for its own, as a login does.
LOGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
COMMAND = """
import os, signal, sys
def heard(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(3)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, heard)
print(*(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)))
print(os.get_terminal_size().columns, "\\x1b[1mbold\\x1b[0m", flush=True)
print("hello", input("name? "), flush=True)
while True:
    signal.pause()
"""


class Terminal:
    """A terminal of 99 columns with a process on it."""

    def __init__(self, *arguments: str) -> None:
        self._screen, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 99, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "ARGUS_URL": "http://127.0.0.1:9"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self.shown = b""

    def until(self, text: bytes) -> None:
        """Read until it shows `text`."""
        while text not in self.shown:
            assert select.select([self._screen], [], [], LIMIT_S)[0], self.shown
            self.shown += os.read(self._screen, 4096)

    def type(self, keys: bytes) -> None:
        os.write(self._screen, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    try:
        made = Terminal("-m", "argus", "run", "--", sys.executable, "-c", COMMAND)
    except OSError as error:
        pytest.skip(f"no terminal can be had: {error}")
    yield made
    made.close()


def test_a_command_has_the_terminal_to_itself(terminal: Terminal) -> None:
    terminal.until(b"name? ")
    terminal.type(b"ann\n")
    terminal.until(b"hello ann\r\n")
    terminal.type(b"\x03")
    terminal.until(b"SIGINT\r\n")
    terminal.process.terminate()  # which no terminal has sent: it is passed on
    terminal.until(b"SIGTERM\r\n")
    assert terminal.process.wait(LIMIT_S) == 3
    assert terminal.shown.startswith(
        b"True True True\r\n99 \x1b[1mbold\x1b[0m\r\nname? ann\r\nhello ann\r\n"
    )
    assert terminal.shown.count(b"SIGINT") == 1
