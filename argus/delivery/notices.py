"""What went wrong: counted always, and told to a person once for each reason.

Everything goes to the logger `argus`. `logging` is loaded with the first thing there is to say.
"""

from __future__ import annotations

import sys
import threading

from argus.delivery import fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Why an event was dropped.
BUFFER_FULL = "buffer_full"
JOURNAL_FULL = "journal_full"
INVALID = "invalid"
REJECTED = "rejected"

# As `logging` has them, which is not loaded for them.
_DEBUG, _WARNING = 10, 30


_speaking: list[int] = []  # threads that are in the user's log handlers, for any Notices


def is_speaking() -> bool:
    """Whether this thread is saying something of ours: what it prints now is not the user's."""
    return bool(_speaking) and threading.get_ident() in _speaking


class Notices:
    """The counts of one reporter, and what it has said already."""

    def __init__(self) -> None:
        # Reentrant: a signal handler that reports may interrupt a count in its own thread.
        self._counting = threading.RLock()
        self._said: set[str] = set()
        self._dropped: dict[str, int] = {}
        self._mistakes = 0
        self._saying: set[int] = set()  # the threads that are in the user's log handlers
        self.muted = False  # it counts, and says nothing
        self.unsaid = 0
        # A call that failed where no stack or memory was left to say so, and what it failed of. Bare,
        # since there not even a method of C can be called.
        self.put_off: tuple[str, str] | None = None
        fork.watch(self)  # also where nothing is reported, mistakes are counted

    def dropped(self, reason: str, count: int = 1) -> None:
        """Count events that will not arrive; say so when it is the first time for that reason."""
        with self._counting:
            self._dropped[reason] = self._dropped.get(reason, 0) + count
        self.warn(f"dropped {reason}", "events are being dropped: %s", _DROP_TEXTS[reason])

    def mistake(self, what: str, *details: Any) -> None:
        """Count something that the caller got wrong, and say the first of each kind."""
        with self._counting:
            self._mistakes += 1
        self.warn(what, what, *details)

    def warn(self, reason: str, message: str, *details: Any) -> None:
        """Tell what a person must act on, once for each `reason`."""
        with self._counting:
            if reason in self._said:
                return
            self._said.add(reason)
        if not self._say(_WARNING, message, details):
            self._said.discard(reason)

    def debug(self, message: str, *details: Any, exc_info: BaseException | None = None) -> None:
        """Tell what only a developer wants to know, with the traceback of `exc_info`."""
        self._say(_DEBUG, message, details, exc_info)

    def say_put_off(self) -> None:
        """Tell what could not be told where it happened."""
        put_off, self.put_off = self.put_off, None
        if put_off is not None:
            self.failed(*put_off)

    def failed(self, call: str, error: str) -> None:
        """Tell that a call has failed inside, once for each."""
        self.warn(f"call {call}", "%s() failed inside and was left out: %s", call, error)

    def has_said(self, reason: str) -> bool:
        """Whether a person has been told."""
        return reason in self._said

    @property
    def counts(self) -> dict[str, int]:
        """How many events were dropped, by reason."""
        with self._counting:
            return dict(self._dropped)

    @property
    def mistakes(self) -> int:
        """How many mistakes of the caller were put right or left out."""
        return self._mistakes

    def after_fork_in_child(self) -> None:
        """Begin anew: the counts are the parent's, and its lock may be held for ever."""
        self._counting = threading.RLock()
        self._saying = set()
        _speaking.clear()
        self._dropped = {}
        self._mistakes = 0

    def _say(
        self,
        level: int,
        message: str,
        details: tuple[Any, ...],
        exc_info: BaseException | None = None,
    ) -> bool:
        """False where it is to be said another time."""
        thread = threading.get_ident()
        if self.muted:
            return True
        if thread in self._saying:  # a handler that reports itself: it would be told of that, too
            self.unsaid += 1
            return False
        self._saying.add(thread)
        _speaking.append(thread)
        try:
            _logger().log(level, message, *details, exc_info=exc_info)
        except (RecursionError, MemoryError):  # where the caller is: elsewhere it can be said
            self.unsaid += 1
            return False
        except Exception:  # a handler or filter of the user's: there is nobody left to tell
            self.unsaid += 1
        finally:
            self._saying.discard(thread)
            _speaking.remove(thread)
        return True


_DROP_TEXTS = {
    BUFFER_FULL: "they come faster than they can be written down",
    JOURNAL_FULL: "the event file has reached its greatest size, and the platform takes nothing",
    INVALID: "an event could not be encoded",
    REJECTED: "the platform refused some for good; they are kept in rejected.jsonl",
}


def _logger() -> Any:
    if "logging" in sys.modules:  # nothing to hold a fork back for, nor to wait for
        import logging
    else:
        with fork.importing():
            import logging
    return logging.getLogger("argus")
