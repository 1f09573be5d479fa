"""A command as a process of POSIX: started, signalled and reaped. For one thread.

It keeps our terminal: standard input, controlling terminal and, where we are in the foreground of
one, our process group, so that Ctrl-C, Ctrl-Z and a password prompt are between it and the user.
Only its output goes through us; where ours is a terminal, so is its.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

if sys.platform != "win32":
    import fcntl
    import termios

    _WINDOW_SIZE = struct.pack("HHHH", 24, 80, 0, 0)

# What Python ignores and a program of another language does not expect to be ignored.
PYTHON_IGNORES = tuple(
    getattr(signal, name) for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if hasattr(signal, name)
)


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
        """`blocked`: the signals that whoever started us wants blocked. Unless it `listens`, the
        command's output goes where ours does."""
        self._shares_group = _in_the_foreground()
        group: dict[str, Any] = {} if self._shares_group else {"setpgroup": 0}
        targets = _targets() if listens else {}
        pairs = [_channel(target) for target in targets]
        try:
            actions = [
                (os.POSIX_SPAWN_DUP2, inner, descriptor)
                for (_, inner), descriptors in zip(pairs, targets.values())
                for descriptor in descriptors
            ]
            self._pid = os.posix_spawnp(
                argv[0],
                list(argv),
                dict(environ),
                file_actions=actions,
                setsigmask=blocked,
                setsigdef=PYTHON_IGNORES,
                **group,
            )
        except OSError:
            for outer, _ in pairs:
                os.close(outer)
            raise
        finally:
            for _, inner in pairs:
                os.close(inner)
        self.outputs = [
            Output(outer, target, "stderr" if target == 2 else "stdout")
            for (outer, _), target in zip(pairs, targets)
        ]
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it has ended, negative for a signal; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                killed = os.WIFSIGNALED(status)
                self.returncode = -os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
        return self.returncode

    def watch(self, tell: Callable[[], None]) -> None:
        """Its end is told by SIGCHLD."""

    def pass_on(self, number: int, from_kernel: bool) -> None:
        """A signal that has come to us is the command's; what a terminal sends, it has already."""
        if number == signal.SIGWINCH:
            self._resize()
        if number == signal.SIGWINCH or not (self._shares_group and from_kernel):
            self._send(number)

    def send_all(self, number: int) -> None:
        """A signal for the command and all that it has started."""
        if not self._shares_group:
            _kill(os.killpg, self._pid, number)
            return
        for pid in _tree(self._pid) if self.returncode is None else ():
            _kill(os.kill, pid, number)

    def _send(self, number: int) -> None:
        if self.returncode is None:  # else the pid may be another's by now
            _kill(os.kill, self._pid, number)

    def _resize(self) -> None:
        for output in self.outputs:
            if os.isatty(output.source):
                _copy_size(output.target, output.source)


def is_there(command: str) -> bool:
    """Whether a file of that name was found, executable or not."""
    return os.path.exists(command) if os.sep in command else shutil.which(command) is not None


def ensure_standard_streams() -> None:
    """Open what was closed when we were started: else a pipe of ours would become one of them."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            return
        os.set_inheritable(descriptor, True)


def _targets() -> dict[int, list[int]]:
    """Our descriptors that output is read for: one where both are the same file, so that lines
    keep their order."""
    out, err = os.fstat(1), os.fstat(2)
    if os.path.samestat(out, err):
        return {1: [1, 2]}
    return {1: [1], 2: [2]}


def _channel(target: int) -> tuple[int, int]:
    """Two descriptors: ours, and the command's to write to. A terminal where ours is one."""
    if not os.isatty(target):
        return os.pipe()
    try:
        outer, inner = os.openpty()
    except OSError:  # none is left: colours are worth less than the command
        return os.pipe()
    # What is written comes out unchanged: our own terminal turns it into what is shown.
    mode = termios.tcgetattr(inner)
    mode[1] &= ~termios.OPOST
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(inner, termios.TCSANOW, mode)
    _copy_size(target, outer)
    return outer, inner


def _copy_size(source: int, target: int) -> None:
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, _WINDOW_SIZE)
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)
    except OSError:  # a terminal that has no size, or is gone
        return


def _in_the_foreground() -> bool:
    """Whether a terminal sends us its signals. There the command stays in our group: in one of its
    own it could not read from the terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _tree(pid: int) -> Iterable[int]:
    """A process and all that descend from it; where that cannot be seen, itself."""
    from argus.resources.children import Children
    from argus.resources.process import read_process

    try:
        root = read_process(f"/proc/{pid}/stat")
        return list(Children("/proc").tree(root, time.monotonic())[0])
    except (OSError, ValueError, IndexError):  # no Linux, or it has just ended
        return [pid]


def _kill(call: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        call(pid, number)
    except (ProcessLookupError, PermissionError):  # it has ended, or has become another user's
        return
