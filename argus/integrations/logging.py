"""Records of the standard `logging` as log lines of the active job.

It owns a handler and what that may still report this second. It never raises, writes nothing and
waits for nothing: a record becomes a line in a buffer.
"""

from __future__ import annotations

import logging
import time

import argus
from argus.core.interruption import is_interruption
from argus.core.redact import redacted
from argus.core.values import bounded_text

LINES_PER_S = 50.0
BURST = 200  # what may come at once: a start-up, a table, a traceback in pieces
_TELL_EVERY_S = 1.0  # how many were left out, at most

_OUR_OWN = "argus"  # what a reporter has to say of its own trouble is no line of a training


class Budget:
    """A bucket of tokens: how many lines may go now, and how many had to stay."""

    def __init__(self, now: float) -> None:
        self._tokens = float(BURST)
        self._seen_at = now
        self._told_at = now - _TELL_EVERY_S
        self._omitted = 0

    def take(self, now: float) -> bool:
        """Whether one more line may go."""
        self._tokens = min(self._tokens + (now - self._seen_at) * LINES_PER_S, BURST)
        self._seen_at = now
        if self._tokens < 1:
            self._omitted += 1
            return False
        self._tokens -= 1
        return True

    def untold(self, now: float) -> int:
        """How many lines stayed since this was last asked; 0 where it is too early to say again."""
        if not self._omitted or now - self._told_at < _TELL_EVERY_S:
            return 0
        return self.rest(now)

    def rest(self, now: float) -> int:
        """The same, however early it is."""
        omitted, self._omitted, self._told_at = self._omitted, 0, now
        return omitted


class ArgusHandler(logging.Handler):
    """Reports log records as `log_line` events of the innermost open job.

        logging.getLogger().addHandler(ArgusHandler(logging.INFO))

    Without an open Reporter nothing happens. Records of the logger `argus` and of those below it
    are left out. What looks like a secret becomes `***`: at the root, a handler gets the lines
    of all libraries. At most 50 lines a second go out, 200 at once; warnings and what is
    worse have as many of their own. What is left out is counted, and the count reported.

    A formatter shapes the lines; without one they are the message, with the traceback below it.
    In a configuration for `dictConfig` it is `{"class": "argus.integrations.logging.ArgusHandler"}`.
    """

    def __init__(self, level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        now = time.monotonic()
        self._calm = Budget(now)
        self._alarm = Budget(now)  # a flood of debugging must not drown the error that ends it

    def emit(self, record: logging.LogRecord) -> None:
        """Report one record. Called with the handler's lock held."""
        try:
            if argus.get_batch_id() is not None and not _is_our_own(record.name):
                self._report(record, time.monotonic())
        except Exception as error:
            if is_interruption(error):
                raise
            self.handleError(record)

    def flush(self) -> None:
        """Report how many records have been left out, as far as that has not been said."""
        if argus.get_batch_id() is not None:
            self.acquire()
            try:
                now = time.monotonic()
                _tell(self._calm.rest(now) + self._alarm.rest(now))
            finally:
                self.release()

    def _report(self, record: logging.LogRecord, now: float) -> None:
        budget = self._alarm if record.levelno >= logging.WARNING else self._calm
        may_go = budget.take(now)
        _tell(budget.untold(now))
        if may_go:
            argus.emit(
                "log_line",
                line=redacted(self._line(record)),
                level=record.levelname,
                logger=record.name,
            )

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return bounded_text(self.format(record))
        except Exception as error:  # its arguments do not fit, or cannot be printed
            if is_interruption(error):
                raise
            self.handleError(record)
            return bounded_text(record.msg)


def _is_our_own(name: str) -> bool:
    return name == _OUR_OWN or name.startswith(f"{_OUR_OWN}.")


def _tell(omitted: int) -> None:
    if omitted:
        argus.emit(
            "log_line",
            line=f"log records left out, more than {LINES_PER_S:.0f} a second: {omitted}",
            level="warning",
            logger=_OUR_OWN,
            omitted=omitted,
        )
