"""The caller's end of delivery: it starts the sender, hands records over and ends it in time.

Light on purpose, since a training script imports and runs it: all that is heavy is loaded by the
sender, in its own thread.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from argus.core.statuses import RUNNING
from argus.delivery import fork
from argus.delivery.buffer import Buffer
from argus.delivery.environment import Environment
from argus.delivery.latch import Latch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from argus.core.settings import Settings
    from argus.delivery.notices import Notices

_SENDERS_SHARE = 0.9  # of the exit timeout; the rest is for writing down how it ended
_NEXT_TRY_S = 1.0  # where no thread could be had


class RunFacts:
    """What is to be known of a run before its first event."""

    __slots__ = (
        *("attempt", "batch_id", "config", "every_event", "experiment_type"),
        *("joins", "launch", "project"),
    )

    def __init__(
        self,
        batch_id: str,
        project: str,
        experiment_type: str | None,
        config: dict[str, Any] | None = None,
        joins: bool = True,
    ) -> None:
        self.batch_id = batch_id
        self.project = project
        self.experiment_type = experiment_type
        self.config = config  # flat; its secrets are hidden where it goes out
        self.joins = joins  # somebody else has begun the batch, and tells its environment
        self.attempt = 1  # how often the batch has been begun, with this time
        self.launch: dict[str, Any] = {}  # what its job is known by, for the sidecar
        self.every_event: dict[str, Any] = {}  # what the data of each event has, too


class Channel:
    """One run's way from this process to the platform: a buffer and the thread that drains it."""

    def __init__(self, facts: RunFacts, settings: Settings, notices: Notices) -> None:
        self.facts = facts
        self.settings = settings
        self.notices = notices
        self.status = RUNNING  # what run.json will say in the end
        self.environment = None if facts.joins else Environment(self)
        self.ending_first: list[Callable[[], None]] = []  # what has something to hand over yet
        self.parents_directory: Path | None = None  # in a forked child: the run directory there
        self._begin()

    def _begin(self) -> None:
        self.buffer = Buffer(self.notices)
        self.closing_at: float | None = None  # monotonic; set once the end is asked for
        self.is_away = False  # the platform is known not to be reachable, or not to take events
        self.uploaded = 0
        self.handed_in = 0  # artifacts that the platform has or may still get
        self.preemption: Any = None  # the record of it, which goes ahead of all others
        self.run_directory: Path | None = None  # known as soon as the sender has made it
        self.placed = Latch()  # it is known, or there will be none
        self._ends_at: float | None = None  # monotonic: when whoever closes goes on his way
        self._finished = Latch()
        self._is_started = False
        self._next_try_at = 0.0  # monotonic: of having a thread
        self._beside: Callable[[], None] | None = None
        # To be taken once, by whichever thread comes first.
        self._work: list[Callable[[Channel], None]] = [Channel._send]

    def start(self, beside: Callable[[], None] | None = None) -> None:
        """Start the sender, which calls `beside` first: to start a thread takes a caller's time.

        Where no thread can be had, records wait in memory for a later try, and in the end for
        whoever closes the channel.
        """
        self._beside = beside
        fork.watch(self)
        _open.add(self)
        self._start_sender()

    def put(self, record: Any, urgent: bool = False) -> None:
        """Hand a record over."""
        if not self._is_started:  # the first word of a forked child, or no thread could be had
            self._start_late()
        self.buffer.put(record, urgent)

    def artifacts(self) -> Callable[[], int]:
        """How many files the end of the batch speaks of, asked when it is written down. Of a kept
        run those that it keeps by now, so that it says the same whether the platform is there or
        not, and whatever is still being copied."""
        if not self.settings.keeps_runs:
            return lambda: self.uploaded
        handed_in = self.handed_in
        return lambda: handed_in

    def preempt(self, record: Any, status: str) -> None:
        """The machine is wanted back: `record` goes ahead of what waits, and where nobody closes the
        run it ends with `status`. Safe within a signal handler."""
        if self.closing_at is None and self.preemption is None:
            self.status = status
            self.preemption = record
            self.buffer.wake()

    def place(self, run_directory: Path | None) -> None:
        """The sender has made the run directory, or moved it."""
        self.run_directory = run_directory
        self.placed.set()

    @property
    def ends_at(self) -> float:
        """When whoever leaves the block goes on his way, on the monotonic clock: the exit timeout
        runs from the first time that this is asked."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self.settings.exit_timeout_s
        return self._ends_at

    def close(self, status: str) -> None:
        """Have everything written, and delivered as far as the exit timeout allows; wait for it."""
        self._ask_to_end(status)
        self._await_end()

    def hurry(self, status: str) -> None:
        """Have everything written and nothing more delivered, and do not wait: whoever interrupts
        the end wants to be off. The end of the process waits for what is left of it."""
        self._ask_to_end(status)
        self.closing_at = time.monotonic()
        self.buffer.wake()

    def after_fork_in_child(self) -> None:
        """Begin anew: thread, buffer and files are the parent's. What is in the buffer is its to
        send. The child's own sender starts with the child's first record."""
        self.environment = None  # the parent tells it
        self.parents_directory = self.run_directory or self.parents_directory
        self._begin()

    def _start_late(self) -> None:
        if self.closing_at is None and time.monotonic() >= self._next_try_at:
            _open.add(self)
            self._start_sender()

    def _start_sender(self) -> None:
        self._is_started = True  # at once: a signal handler that reports shall not start another
        try:
            threading.Thread(target=self._run, name="argus-sender", daemon=True).start()
        except RuntimeError as error:
            self._is_started = False
            self._next_try_at = time.monotonic() + _NEXT_TRY_S
            self.is_away = True  # as far as an upload is concerned that would be waited for
            self.notices.warn(
                "thread",
                "no thread can be started (%s): events are held in memory until one can, "
                "or until the block is left",
                error,
            )
        except BaseException:  # an interrupt: whether it runs by now is not known
            self._is_started = False
            raise
        close_with_worker()

    def _ask_to_end(self, status: str) -> None:
        if self.closing_at is not None:
            return
        self.status = status
        self.closing_at = self.ends_at - self.settings.exit_timeout_s * (1 - _SENDERS_SHARE)
        self.buffer.close()

    def _await_end(self) -> None:
        if self._work and not self._is_started:
            if not len(self.buffer):
                return  # a forked child that has reported nothing
            self._start_sender()
            if not self._is_started:
                self._run()  # on the caller's own thread: no other can be had
        limit_s = self.settings.exit_timeout_s
        if not self._finished.wait(min(limit_s, self.ends_at - time.monotonic())):
            self.notices.warn(
                "exit",
                "reporting did not end in time: %d events may not have been written down",
                len(self.buffer),
            )
        _open.discard(self)

    def _run(self) -> None:
        try:
            work = self._work.pop()
        except IndexError:
            return  # another thread is at it
        try:
            work(self)
        except Exception as error:
            self.notices.warn(
                "sender", "reporting has ended because of an error of its own: %r", error
            )
        finally:
            self.is_away = True  # nobody shall wait for an upload any more
            self.placed.set()
            self._finished.set()

    def _send(self) -> None:
        if self._beside is not None:
            self._beside()
        with fork.importing():
            from argus.delivery.sender import Sender

            sender = Sender(self)  # which has the standard library import codecs and pwd
        sender.run()


_open: set[Channel] = set()  # those that have a sender, or should have one
_closes_with_worker: int | None = None  # the process where that is arranged


def close_all() -> None:
    """Give every run that was never closed the chance to deliver what it has: at exit, and in a
    worker of `multiprocessing`, which ends without the interpreter's own exit. They share one exit
    timeout."""
    channels = list(_open)
    for channel in channels:
        for end in channel.ending_first:
            end()
        if channel.environment is not None:
            channel.environment.leave()
        channel._ask_to_end(channel.status)
    for channel in channels:
        channel._await_end()
        channel.notices.say_put_off()
        channel.notices.muted = True  # a thread that dies while it writes to stderr takes us along


def close_with_worker() -> None:
    """Workers of `multiprocessing` leave by os._exit, past atexit, but run its finalizers."""
    global _closes_with_worker  # noqa: PLW0603 - it is the process's
    process = sys.modules.get("multiprocessing.process")
    parent_process = getattr(process, "parent_process", None)
    if parent_process is None or parent_process() is None or _closes_with_worker == os.getpid():
        return
    from multiprocessing import util

    _closes_with_worker = os.getpid()
    util.Finalize(None, close_all, exitpriority=0)
