"""A command as a process of Windows: no terminal of its own, and one way to interrupt it.

The same names as in `posix` and `arrivals`, as far as this system has the thing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple


class Arrival(NamedTuple):
    """A signal that came."""

    number: int
    from_kernel: bool


class Arrivals:
    """As a context: inside, Ctrl-C and Ctrl-Break are told to `tell`."""

    def __init__(self, tell: Callable[[Arrival], None]) -> None:
        self._tell = tell
        self.blocked_before: Iterable[int] = ()

    def __enter__(self) -> Arrivals:
        for number in _interrupts():
            signal.signal(number, lambda signum, _: self._tell(Arrival(signum, False)))
        return self

    def __exit__(self, *_: object) -> None:
        """Where it was not left before."""
        self.leave()

    def leave(self) -> None:
        """Ctrl-C is for us from now on."""
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Output(NamedTuple):
    """Where some output of the command can be read, and our own descriptor that it belongs on."""

    source: int
    target: int
    name: str


class Command:
    """One run of `argv`. Raises OSError where it cannot be started."""

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        blocked: Iterable[int],
        listens: bool,
    ) -> None:
        pipe = subprocess.PIPE if listens else None
        self._process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdout=pipe,
            stderr=pipe,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        streams = ((self._process.stdout, 1, "stdout"), (self._process.stderr, 2, "stderr"))
        self.outputs = [
            Output(os.dup(stream.fileno()), target, name)
            for stream, target, name in streams
            if stream is not None
        ]

    @property
    def returncode(self) -> int | None:
        """How it has ended; None while it runs."""
        return self._process.returncode

    def poll(self) -> int | None:
        """The same, looked up."""
        return self._process.poll()

    def watch(self, tell: Callable[[], None]) -> None:
        """Call `tell` once it has ended: no signal says so here."""

        def wait() -> None:
            self._process.wait()
            tell()

        threading.Thread(target=wait, name="argus-run-end", daemon=True).start()

    def pass_on(self, number: int, from_kernel: bool) -> None:
        """Its group is not ours: it hears of Ctrl-C through us."""
        self.send_all(number)

    def send_all(self, number: int) -> None:
        """Interrupt it, or end it where it was asked already."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32" and number in _interrupts():
            self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self._process.terminate()


def is_there(command: str) -> bool:
    """Whether a file of that name was found."""
    return shutil.which(command) is not None


def ensure_standard_streams() -> None:
    """Nothing to do: what is closed here is not taken by the next file."""


def _interrupts() -> tuple[int, ...]:
    return tuple(getattr(signal, n) for n in ("SIGINT", "SIGBREAK") if hasattr(signal, n))
