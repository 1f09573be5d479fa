"""The signals by which a scheduler takes the machine back, noticed without taking them from anybody.

One handler for each signal of the process: put there with the first Reporter that watches, taken
away with the last, where it still stands. It only notes that the signal came, and then does what
would have been done without it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any, Protocol

    class Watcher(Protocol):
        """Who wants to know. Neither raises anything of its own."""

        def notice(self, name: str) -> None:
            """The signal of that name has come. Called within a signal handler: no lock, no wait."""

        def leave(self) -> None:
            """The process is about to die of it: say how it ends. Does not wait."""


# submitit preempts with a signal of its own choice: submitit/core/job_environment.py
_SUBMITIT = "SUBMITIT_EXECUTOR"
_SUBMITIT_SIGNAL = "SUBMITIT_PREEMPT_SIGNAL"
_DEADLY = (
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGXCPU",
)  # unless caught

_watchers: list[Watcher] = []  # append, remove and a copy need no lock


def preemption_signals(environ: Mapping[str, str]) -> tuple[int, ...]:
    """SIGTERM, and what submitit says that it preempts with. No other: Lightning, for one, takes
    its own signal only where nobody has a handler for it."""
    numbers = [signal.SIGTERM]
    if environ.get(_SUBMITIT):
        name = f"SIG{environ.get(_SUBMITIT_SIGNAL) or 'USR2'}"
        if name in _DEADLY and hasattr(signal, name):
            numbers.append(getattr(signal, name))
    return tuple(numbers)


def watch(watcher: Watcher, numbers: tuple[int, ...]) -> str | None:
    """Tell `watcher` of these signals from now on. What could not be done, or None.

    A signal whose handler was not put there from Python is left alone: it could not be called.
    """
    if threading.current_thread() is not threading.main_thread():
        return "signals can only be noticed where the Reporter is opened in the main thread"
    _watchers.append(watcher)
    foreign = [number for number in numbers if not _install(number)]
    names = ", ".join(signal.Signals(number).name for number in foreign)
    return f"{names} belongs to a handler that is none of Python's" if foreign else None


def unwatch(watcher: Watcher) -> None:
    """Tell it no more; the last one to go leaves everything as it was."""
    if watcher in _watchers:
        _watchers.remove(watcher)
    if not _watchers and threading.current_thread() is threading.main_thread():
        _restore()


class Handler:
    """What the system calls for one signal."""

    def __init__(self, previous: Any) -> None:
        self.previous = previous
        self._pid = os.getpid()
        self._is_dying = False

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Note it, then do what was done before."""
        if os.getpid() == self._pid:
            self._tell(signum)
        if callable(self.previous):
            self.previous(signum, frame)
        elif self.previous == signal.SIG_DFL and _present(signum) is self:
            # Where another handler calls this one, it has taken the default action's place, and is
            # not to die of having asked who was there before.
            self._die(signum)

    def _tell(self, signum: int) -> None:
        for watcher in list(_watchers):
            try:
                watcher.notice(signal.Signals(signum).name)
            except (RecursionError, MemoryError):
                continue  # no room to note it; what is done without us needs no more of it

    def _die(self, signum: int) -> None:
        """The default action, once what there is to say is written down and, if possible, sent."""
        # The first process of a container dies of no signal that it has no handler for.
        if self._is_dying or os.getpid() == 1:
            return
        self._is_dying = True
        try:
            if os.getpid() == self._pid:
                for watcher in list(_watchers):
                    watcher.leave()
                channel = sys.modules.get("argus.delivery.channel")
                if channel is not None:
                    channel.close_all()
        finally:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)


def _present(number: int) -> object:
    """Who handles it now; None where that was not put there from Python."""
    return signal.getsignal(number)


def _install(number: int) -> bool:
    present = _present(number)
    if present is None:
        return False
    if not isinstance(present, Handler):
        signal.signal(number, Handler(present))
    return True


def _restore() -> None:
    """Put back what was there before, where nobody has put something else there since."""
    for number in signal.valid_signals():
        present = _present(number)
        if isinstance(present, Handler):
            signal.signal(number, present.previous)


def _forget_in_child() -> None:
    """A forked child dies of a signal at once, as it would without us: workers are ended so."""
    _watchers.clear()
    _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
