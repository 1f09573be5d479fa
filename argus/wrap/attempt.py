"""One run of a command, from its start to its last line of output."""

from __future__ import annotations

import math
import queue
import signal
import time
from collections.abc import Callable
from typing import Any

from argus.wrap.printed import Printed
from argus.wrap.stopping import Escalation
from argus.wrap.tap import Tap

_GATHER_S = 0.2  # what is printed is reported so late, and so many lines together
# What the command leaves running may hold its output open for ever; we end with the command.
_LAST_OUTPUT_S = 2.0
_CHILD_ENDED = getattr(signal, "SIGCHLD", None)


class Attempt:
    """Waits for a started command, and carries out what comes meanwhile out of `inbox`: signals that
    have arrived, or None for something to look at."""

    def __init__(
        self, command: Any, printed: Printed, inbox: queue.SimpleQueue[Any], grace_s: float
    ) -> None:
        self._command = command
        self._printed = printed
        self._inbox = inbox
        self._escalation = Escalation(grace_s)
        self._taps = [
            (output.name, Tap(output.source, output.target, self._look))
            for output in command.outputs
        ]
        self._gather_until = math.inf  # monotonic: then what was printed is reported

    @property
    def is_stopped(self) -> bool:
        """Whether it was brought to an end."""
        return self._escalation.has_begun

    def run(self, hear: Callable[[Any], None], is_unwanted: Callable[[], bool]) -> int:
        """The return code. `hear` is told of signals, before they are passed on; `is_unwanted`
        says whether the command is to be stopped."""
        for _, tap in self._taps:
            tap.start()
        self._command.watch(self._look)
        while self._command.poll() is None:
            now = time.monotonic()
            if is_unwanted():
                self._escalation.begin(now)
            step = self._escalation.step(now)
            if step is not None:
                self._command.send_all(step)
            due_at = min(self._escalation.due_at, self._report(now))
            self._handle(self._next(due_at), hear)
        self._finish()
        return int(self._command.returncode)

    def _look(self) -> None:
        self._inbox.put(None)

    def _next(self, due_at: float) -> Any:
        timeout_s = max(due_at - time.monotonic(), 0.0)
        try:
            return self._inbox.get(timeout=None if timeout_s == math.inf else timeout_s)
        except queue.Empty:
            return None

    def _handle(self, arrival: Any, hear: Callable[[Any], None]) -> None:
        if arrival is None:
            self._gather_until = min(self._gather_until, time.monotonic() + _GATHER_S)
        elif arrival.number != _CHILD_ENDED:
            hear(arrival)
            self._command.pass_on(arrival.number, arrival.from_kernel)

    def _report(self, now: float) -> float:
        """Report what was printed, where it is time to. When to come again."""
        if now >= self._gather_until:
            self._gather_until = math.inf
            self._take(now)
        return min(self._printed.tick(now), self._gather_until)

    def _take(self, now: float) -> None:
        for name, tap in self._taps:
            self._printed.add(name, *tap.take(), now)

    def _finish(self) -> None:
        if self.is_stopped:
            self._command.send_all(signal.SIGTERM)  # what it has left behind
        deadline = time.monotonic() + _LAST_OUTPUT_S
        for _, tap in self._taps:
            tap.ended.wait(deadline - time.monotonic())
        now = time.monotonic()
        self._take(now)
        self._printed.finish(now)
