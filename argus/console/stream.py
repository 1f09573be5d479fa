"""Hearing what is written to a stream of Python's, while the stream stays what it is.

`sys.stdout` is not replaced. The stream's own `write` is preceded by one that calls it first and
then tells what was written, so that its tty-ness, encoding, buffer and `fileno` are its own, and a
log handler that took hold of it long ago is heard too. What goes past `write` is not heard: bytes
written to `sys.stdout.buffer`, and what C or another process writes to the file descriptor. To
redirect that would have a terminal look like a pipe.
"""

from __future__ import annotations

import os
import threading

from argus.core.interruption import is_interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Hear = Callable[[int, Any], None]

_LONGEST_CHANGE_S = 2.0
_changing = threading.RLock()  # two that begin to listen to one stream at once


class DeafError(Exception):
    """The stream is of a kind whose `write` cannot be preceded."""


class Tap:
    """One listener at one stream. Several may listen, and leave in any order."""

    __slots__ = ("_before", "_hear", "_number", "_stream", "_theirs", "_write", "unheard")

    def __init__(self, stream: Any, number: int, hear: Hear) -> None:
        """`hear(number, text)` is told what was written. Raises DeafError."""
        self._stream = stream
        self._number = number
        self._hear: Hear | None = hear
        self.unheard = 0  # writes that could not be told
        self._write = self.write  # one object, to be known again
        if not _change(self._begin):
            self._hear = None
            raise DeafError

    def leave(self) -> None:
        """Give the stream its own `write` back; what somebody has put before it in between stays.

        Whoever still holds ours writes to the stream itself.
        """
        self._hear = None
        _change(self._end)

    def write(self, *given: Any, **named: Any) -> Any:
        """What the stream's own `write` does; then it is told."""
        written = self._theirs(*given, **named)
        hear = self._hear
        if hear is not None and given:
            try:
                hear(self._number, given[0])
            except (RecursionError, MemoryError):  # no room to ask what it was
                self.unheard += 1
            except Exception as error:
                if is_interruption(error):
                    raise
                self.unheard += 1
        return written

    def _begin(self) -> None:
        own = _attributes(self._stream)
        self._before = own.get("write")  # somebody's own, on this very stream
        self._theirs = self._stream.write
        # By `object`: a proxy's `__setattr__` would set it on what stands behind the proxy, whose
        # `write` would then call itself.
        object.__setattr__(self._stream, "write", self._write)
        is_there = False
        try:
            is_there = self._stream.write is self._write
        finally:
            if not is_there:
                self._put_back()
        if not is_there:
            raise DeafError

    def _end(self) -> None:
        if _attributes(self._stream).get("write") is self._write:
            self._put_back()

    def _put_back(self) -> None:
        before = self._before
        while isinstance(tap := getattr(before, "__self__", None), Tap) and tap._hear is None:
            before = tap._before  # it has left while we were before it
        if before is None:
            object.__delattr__(self._stream, "write")
        else:
            object.__setattr__(self._stream, "write", before)


def _attributes(stream: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = object.__getattribute__(stream, "__dict__")
    return attributes


def _change(step: Callable[[], None]) -> bool:
    """Take a step that looks at a stream first. False where a foreign stream would not have it."""
    lock = _changing
    is_ours = lock.acquire(timeout=_LONGEST_CHANGE_S)
    try:
        step()
    except Exception as error:  # a foreign attribute may raise anything
        if is_interruption(error):
            raise
        return False
    finally:
        if is_ours:
            lock.release()
    return True


def _after_fork_in_child() -> None:
    global _changing  # noqa: PLW0603 - a fork concerns the whole process
    _changing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
