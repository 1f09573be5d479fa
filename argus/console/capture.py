"""What the process prints while a run is open: heard, handed to a thread of its own, and let go.

The caller's end, and light as such: who prints pays for one append to a bounded queue.
"""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic

from argus.console import elsewhere
from argus.console.backlog import Backlog
from argus.console.stream import DeafError, Tap
from argus.core.interruption import is_interruption
from argus.core.settings import FORWARD
from argus.core.values import class_name
from argus.delivery import fork
from argus.delivery.channel import close_with_worker
from argus.delivery.latch import Latch
from argus.delivery.notices import is_speaking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argus.delivery.channel import Channel

TURN_S = 0.25  # from one look at what is being printed to the next
_SENDERS_SHARE = 0.5  # of the exit timeout: what a disk that hangs leaves of it
_NEXT_TRY_S = 1.0  # where no thread could be had
_OWN = 2


class Capture:
    """Listens to `sys.stdout` and `sys.stderr` for one channel. `active_job` names the job that a
    line belongs to. See `argus.console.stream` for what is heard."""

    def __init__(self, channel: Channel, active_job: Callable[[], str]) -> None:
        self._channel = channel
        self._active_job = active_job
        self._forwarded: set[int] = set()  # the numbers of the streams whose lines are sent
        self._taps: list[Tap] = []
        self._begin()

    def _begin(self) -> None:
        self._backlog = Backlog()
        self._ends_at: float | None = None  # monotonic; set once the end is asked for
        self._finished = Latch()
        self._is_started = False
        self._next_try_at = 0.0
        # To be taken once, by whichever thread comes first.
        self._work: list[Callable[[Capture], None]] = [Capture._drain]

    def start(self) -> None:
        """Begin to listen. The thread starts with the first text."""
        fork.watch(self)
        self._channel.ending_first.append(self.close)
        heard: list[Any] = []
        for number, name in enumerate(("stdout", "stderr")):
            stream = getattr(sys, name, None)  # None under pythonw, and where it was closed early
            if stream is None or any(stream is other for other in heard):
                continue
            heard.append(stream)
            if self._is_to_forward(stream):
                self._forwarded.add(number)
            elif not self._channel.settings.keeps_runs:
                continue
            try:
                self._taps.append(Tap(stream, number, self._hear))
            except DeafError:
                self._channel.notices.warn(
                    f"deaf {name}",
                    "what is written to sys.%s is not captured: nobody can listen to a %s",
                    name,
                    class_name(stream),
                )

    def _is_to_forward(self, stream: Any) -> bool:
        if self._channel.settings.console != FORWARD:
            return False
        try:
            descriptor = stream.fileno()
        except Exception as error:  # a stream of somebody's own may have none, or raise anything
            if is_interruption(error):
                raise
            descriptor = None
        batch_id = self._channel.facts.batch_id
        return not elsewhere.forwards(os.environ, batch_id, descriptor)

    def close(self) -> None:
        """Give the streams back, and have the rest put down; wait for it, bounded."""
        taps, self._taps = self._taps, []
        for tap in taps:
            tap.leave()
        if self._ends_at is None:
            senders_s = self._channel.settings.exit_timeout_s * _SENDERS_SHARE
            self._ends_at = self._channel.ends_at - senders_s
        self._backlog.wake()
        if self._work and not self._is_started:
            if not len(self._backlog):
                return  # nothing was printed
            self._start_thread()
            if not self._is_started:
                self._run()  # on the caller's own thread: no other can be had
        if not self._finished.wait(self._ends_at - monotonic()):
            self._channel.notices.warn(
                "console exit", "what was printed last may not have been put down in time"
            )

    def after_fork_in_child(self) -> None:
        """Begin anew: what waits is the parent's. The child's thread starts with its first text."""
        is_over = self._ends_at is not None
        self._begin()
        if is_over:
            self._ends_at = 0.0

    def _hear(self, number: int, text: Any) -> None:
        if type(text) is not str:
            text = _copied(text)
        if not text or self._ends_at is not None:
            return
        # `print` writes its newline by itself: that belongs to what came before it.
        job_id = self._active_job() if self._forwarded and text != "\n" else None
        whose = _OWN if is_speaking() else number
        now = monotonic()
        self._backlog.put((now, job_id, whose, text), text)
        if not self._is_started and now >= self._next_try_at:
            self._start_thread()

    def _start_thread(self) -> None:
        self._is_started = True  # at once: a signal handler that prints shall not start another
        try:
            threading.Thread(target=self._run, name="argus-console", daemon=True).start()
        except RuntimeError:  # it waits for a later try, and in the end for whoever closes
            self._is_started = False
            self._next_try_at = monotonic() + _NEXT_TRY_S
        except BaseException:  # an interrupt: whether it runs by now is not known
            self._is_started = False
            raise
        close_with_worker()

    def _run(self) -> None:
        try:
            work = self._work.pop()
        except IndexError:
            return  # another thread is at it
        try:
            work(self)
        except Exception as error:
            self._channel.notices.warn(
                "console", "capturing the console has ended by an error of its own: %r", error
            )
        finally:
            self._finished.set()

    def _drain(self) -> None:
        with fork.importing():
            from argus.console.transcript import Transcript
        channel, backlog = self._channel, self._backlog
        transcript = Transcript(channel, self._forwarded, channel.settings.keeps_runs)
        while self._ends_at is None:
            now = monotonic()
            pieces = backlog.take()
            transcript.add(pieces, backlog.take_lost(), now)
            due_in_s = transcript.due_in(now)
            # As long as something comes, it is looked up now and then, so that who prints need
            # not wake anybody.
            backlog.wait(min(due_in_s, TURN_S) if pieces else due_in_s, at_rest=not pieces)
        transcript.add(backlog.take(), backlog.take_lost(), monotonic())
        transcript.finish(self._active_job() if self._forwarded else None, self._ends_at)


def _copied(text: Any) -> str | bytes | None:
    """What a stream of somebody's own was given, as text that nobody changes any more."""
    if isinstance(text, str):
        return str.__str__(text)
    return bytes(text) if isinstance(text, (bytes, bytearray, memoryview)) else None


def capture(channel: Channel, active_job: Callable[[], str]) -> Capture | None:
    """Listens for `channel` from now on, as its settings want it; None where there is nothing to do."""
    settings = channel.settings
    if settings.console != FORWARD and not settings.keeps_runs:
        channel.notices.warn(
            "console nowhere",
            "console=file writes into runs that are kept: set ARGUS_RUNS_DIR, or forward it",
        )
        return None
    listening = Capture(channel, active_job)
    listening.start()
    return listening
