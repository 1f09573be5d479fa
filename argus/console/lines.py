"""Printed text as lines: progress bars folded, colours taken out, floods thinned.

Pure: it knows text, bytes and the time it is told, no stream, file or thread.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import deque
from typing import Any, NamedTuple

MAX_FORWARDED = 1_024  # characters of a line that is sent
MAX_LINES_PER_S = 20
MAX_HELD = 262_144  # characters of a line that has not ended; what comes after them is counted

# ECMA-48: control sequences (colours, cursor), strings (titles, links) with what ends them, and the
# short escapes. Each alternative stops at the next escape, so that hostile text takes linear time.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Line(NamedTuple):
    """A line that has ended, without its end; `more` characters of it are not in `text`."""

    text: str
    more: int


class LineFolder:
    """Makes lines of one stream's text or bytes, in whatever pieces they come.

    Of what a `\\r` writes over, the last state stays, as on a terminal. Escape sequences and control
    characters are taken out, but for tabs.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        except (LookupError, ValueError):
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begin()

    def feed(self, piece: str | bytes) -> list[Line]:
        """The lines that have ended with this piece."""
        text = piece if isinstance(piece, str) else self._decoder.decode(piece)
        if "\n" not in text:
            self._add(text)
            return []
        first, *others = text.split("\n")
        last = others.pop()
        self._add(first)
        lines = [self._ended()]
        for other in others:
            self._add(other)
            lines.append(self._ended())
        self._add(last)
        return lines

    def rest(self) -> list[Line]:
        """The last line, where it never ended."""
        self._add(self._decoder.decode(b"", True))
        self._decoder.reset()
        line = self._ended()
        return [line] if line.text else []

    def _begin(self) -> None:
        self._state = ""  # what stood there before the last `\r`
        self._state_more = 0
        self._restart()

    def _restart(self) -> None:
        self._pieces: list[str] = []
        self._held = 0
        self._more = 0

    def _add(self, text: str) -> None:
        if "\r" in text:
            first, *others = text.split("\r")
            self._hold(first)
            self._return()
            for other in others[:-1]:
                if other:
                    self._hold(other)
                    self._return()
            text = others[-1]
        if text:
            self._hold(text)

    def _hold(self, text: str) -> None:
        room = MAX_HELD - self._held
        if len(text) > room:
            self._more += len(text) - room
            text = text[:room]
        if text:
            self._pieces.append(text)
            self._held += len(text)

    def _return(self) -> None:
        """The cursor goes back. What stands there stays until something is written over it."""
        shown = plain_text("".join(self._pieces))
        if shown:
            self._state, self._state_more = shown, self._more
        self._restart()

    def _ended(self) -> Line:
        shown, more = plain_text("".join(self._pieces)), self._more
        if not shown:
            shown, more = self._state, self._state_more
        self._begin()
        return Line(shown.rstrip(), more)


def plain_text(text: str) -> str:
    """`text` as a person reads it: no escape sequences, no control characters but tabs."""
    if text.isprintable():
        return text
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if "\b" in text:
        text = _with_backspaces(text)
    return _CONTROLS.sub("", text)


def _with_backspaces(text: str) -> str:
    shown: list[str] = []
    for char in text:
        if char != "\b":
            shown.append(char)
        elif shown:
            shown.pop()
    return "".join(shown)


class LineRate:
    """Lets `per_s` lines of each second pass: of a flood its beginning and its end.

    The first half passes at once; of what follows, the last half is held until the second is over.
    With each line comes the number of lines that were omitted before it. Times are monotonic.
    """

    def __init__(self, per_s: int = MAX_LINES_PER_S) -> None:
        self._at_once = per_s - per_s // 2
        self._held: deque[Any] = deque(maxlen=max(per_s // 2, 1))
        self._passed = 0  # of this second
        self._ends_at = -math.inf  # when this second is over
        self._omitted = 0

    @property
    def due_at(self) -> float:
        """When held lines may pass; infinity where none are held."""
        return self._ends_at if self._held else math.inf

    @property
    def omitted(self) -> int:
        """How many lines were omitted that no line has told of yet."""
        return self._omitted

    def omit(self, count: int) -> None:
        """Count lines that were lost before they came here."""
        self._omitted += count

    def put(self, line: Any, now: float) -> list[tuple[Any, int]]:
        """A line has come. Returns those that may pass, each with the number omitted before it."""
        passing = self.take(now)
        if now >= self._ends_at:
            self._ends_at, self._passed = now + 1.0, 0
        if self._passed < self._at_once:
            self._passed += 1
            passing.append((line, self._told()))
        else:
            self._omitted += len(self._held) == self._held.maxlen
            self._held.append(line)
        return passing

    def take(self, now: float) -> list[tuple[Any, int]]:
        """The held lines whose time has come."""
        return self.rest() if now >= self._ends_at else []

    def rest(self) -> list[tuple[Any, int]]:
        """All held lines, at the end."""
        passing = [(line, self._told()) for line in self._held]
        self._held.clear()
        return passing

    def _told(self) -> int:
        omitted, self._omitted = self._omitted, 0
        return omitted
