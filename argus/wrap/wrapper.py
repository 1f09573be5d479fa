"""Runs a command and reports it: its attempts, and the signals that come meanwhile."""

from __future__ import annotations

import queue
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple, Optional

from argus.console.elsewhere import FORWARDED_TO
from argus.outcome import Failure
from argus.resources.oom_kills import oom_kills
from argus.wrap.attempt import Attempt
from argus.wrap.ending import Ending, ended, not_started
from argus.wrap.printed import Printed
from argus.wrap.reported import CommandReporter, conclude

if sys.platform == "win32":
    from argus.wrap.windows import Arrival, Arrivals, Command, ensure_standard_streams, is_there
else:
    from argus.wrap.arrivals import Arrival, Arrivals
    from argus.wrap.posix import Command, ensure_standard_streams, is_there

__all__ = ["Order", "Wrapper", "ensure_standard_streams"]

_FINAL = frozenset(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)


class Order(NamedTuple):
    """What is to be done. `preempting`: the signals by which a scheduler takes the machine back."""

    argv: Sequence[str]
    name: str
    project: Optional[str]
    retries: int
    grace_s: float
    preempting: frozenset[int]


class Wrapper:
    """One order, from the first attempt to the last. `say` gets a line for a person."""

    def __init__(
        self, order: Order, environ: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._order = order
        self._say = say
        self._inbox: queue.SimpleQueue[Arrival | None] = queue.SimpleQueue()
        self.reporter = CommandReporter(
            order.name, order.project, order.argv, lambda: self._inbox.put(None)
        )
        self._environ = dict(environ)
        if self.reporter.is_reporting:
            self._environ["ARGUS_BATCH_ID"] = self.reporter.batch_id
            self._environ[FORWARDED_TO] = self.reporter.batch_id
        self._arrivals = Arrivals(self._inbox.put)
        self._is_interrupted = False  # by Ctrl-C
        self._is_over = False  # somebody has sent a signal that ends it: no more attempts
        self._ending: Ending | None = None

    def run(self) -> int:
        """The exit code of the command: 128 and the signal where one has killed it."""
        with self._arrivals:
            try:
                with self.reporter:
                    try:
                        self._attempts()
                    finally:
                        self._arrivals.leave()
            except (Failure, KeyboardInterrupt):  # the latter while the last events are sent
                pass
        return 1 if self._ending is None else self._ending.code

    @property
    def died_of_ctrl_c(self) -> bool:
        """Whether the terminal has interrupted us and the command, which died of it."""
        is_killed = self._ending is not None and self._ending.signal == "SIGINT"
        return is_killed and self._is_interrupted

    @property
    def said_at_end(self) -> str:
        """How it ended, for a person."""
        return "not started" if self._ending is None else self._ending.text

    def _attempts(self) -> None:
        """Raises Failure where the last one has failed."""
        for number in count(1):
            try:
                with self.reporter.attempt(self._order.name, number) as job:
                    printed = Printed(self.reporter.printer(job))
                    self._ending = self._run_once(printed)
                    conclude(job, number, self._ending, printed.last_lines)
                return
            except Failure as failure:
                if number > self._order.retries or not self._may_go_on(self._ending):
                    raise
                tries = self._order.retries + 1
                self._say(f"attempt {number} of {tries} failed ({failure.error}): once more")

    def _may_go_on(self, ending: Ending | None) -> bool:
        was_started = ending is not None and ending.was_started
        return was_started and not self._is_over and not self.reporter.stopped

    def _run_once(self, printed: Printed) -> Ending:
        kills_before = oom_kills(Path("/"))
        name = self._order.argv[0]
        try:
            command = Command(
                self._order.argv,
                self._environ,
                self._arrivals.blocked_before,
                self.reporter.is_reporting,
            )
        except OSError as error:
            ending = not_started(name, error, is_there(name))
            self._say(ending.text)
            return ending
        attempt = Attempt(command, printed, self._inbox, self._order.grace_s)
        returncode = attempt.run(self._hear, lambda: self.reporter.stopped)
        kills = (oom_kills(Path("/")) or 0) - (kills_before or 0)
        return ended(returncode, kills, attempt.is_stopped)

    def _hear(self, arrival: Arrival) -> None:
        self._is_over = self._is_over or arrival.number in _FINAL
        if arrival.number == signal.SIGINT and arrival.from_kernel:
            self._is_interrupted = True
        if arrival.number in self._order.preempting:
            self._is_over = True
            self.reporter.preempt(signal.Signals(arrival.number).name)
