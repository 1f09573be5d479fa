"""The signals that come to us while a command runs, as entries of a queue.

They are blocked, and taken by a thread that waits for them: so each comes with what the kernel says
of its sender, and none interrupts anything.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCHLD")
_BY_KERNEL = 0x80  # SI_KERNEL: sigaction(2); a terminal's Ctrl-C has it


class Arrival(NamedTuple):
    """A signal that came. `from_kernel`: a terminal has sent it, to its whole foreground."""

    number: int
    from_kernel: bool


class Arrivals:
    """As a context: inside, signals are told to `tell`, in a thread. To be entered before other
    threads are started, which inherit what is blocked."""

    def __init__(self, tell: Callable[[Arrival], None]) -> None:
        self._tell = tell
        numbers = {getattr(signal, name) for name in _NAMES}
        # What whoever started us has ignored, as nohup does, is not ours to hear; but for the end of
        # the command, which nobody could tell then.
        ignored = {number for number in numbers if signal.getsignal(number) == signal.SIG_IGN}
        self._numbers = numbers - ignored | {signal.SIGCHLD}

    def __enter__(self) -> Arrivals:
        self.blocked_before = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        for number in self._numbers:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.SIG_IGN):
                signal.signal(number, _unheard)  # some systems drop what is ignored by default
        threading.Thread(target=self._run, name="argus-run-signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Where it was not left before."""
        self.leave()

    def leave(self) -> None:
        """From now on Ctrl-C is for us: whoever presses it once the command has ended is in a
        hurry. The others would only cut off what is being delivered."""
        self._tell = _nobody
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT} & self._numbers)

    def _run(self) -> None:
        wait = getattr(signal, "sigwaitinfo", None)
        while True:
            if wait is None:  # macOS: as if a terminal had sent what it can send
                number = int(signal.sigwait(self._numbers))
                self._tell(Arrival(number, number in (signal.SIGINT, signal.SIGQUIT)))
            else:
                info = wait(self._numbers)
                self._tell(Arrival(info.si_signo, info.si_code == _BY_KERNEL))


def _unheard(number: int, frame: FrameType | None) -> None:
    """It is waited for."""


def _nobody(arrival: Arrival) -> None:
    """The command has ended."""
