"""What a command prints, as log lines of its job, and the last of them for the case that it fails."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from argus.console.lines import MAX_FORWARDED, Line, LineFolder, LineRate

LAST_LINES = 50
_MAX_LAST_CHARS = 400  # of each of them


class Printed:
    """Makes lines out of pieces. `report` gets the data of each `log_line`; times are monotonic."""

    def __init__(self, report: Callable[[dict[str, Any]], None]) -> None:
        self._report = report
        self._folders: dict[str, LineFolder] = {}
        self._rate = LineRate()
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def add(self, stream: str, lost_lines: int, pieces: Iterable[bytes], now: float) -> None:
        """Pieces of a stream, before which so many lines were lost."""
        if lost_lines:
            self._rate.omit(lost_lines)
            self._folders.pop(stream, None)  # the beginning of what comes next is lost, too
        folder = self._folders.setdefault(stream, LineFolder())
        for piece in pieces:
            self._put(stream, folder.feed(piece), now)

    def tick(self, now: float) -> float:
        """Report what was held back until now. When to come again."""
        self._forward(self._rate.take(now))
        return self._rate.due_at

    def finish(self, now: float) -> None:
        """Report all there is."""
        for stream, folder in self._folders.items():
            self._put(stream, folder.rest(), now)
        self._forward(self._rate.rest())
        if self._rate.omitted:
            note = Line(f"({self._rate.omitted} lines omitted)", 0)
            self._forward(self._rate.put(("stdout", note), math.inf))

    @property
    def last_lines(self) -> list[str]:
        """The last of what was printed, empty lines left out."""
        return list(self._last)

    def _put(self, stream: str, lines: Iterable[Line], now: float) -> None:
        for line in lines:
            if line.text:
                self._last.append(line.text[:_MAX_LAST_CHARS])
                self._forward(self._rate.put((stream, line), now))

    def _forward(self, passing: Iterable[tuple[Any, int]]) -> None:
        for (stream, line), omitted in passing:
            cut = max(len(line.text) - MAX_FORWARDED, 0) + line.more
            data = {"line": line.text[:MAX_FORWARDED], "level": "info", "stream": stream}
            counts = {"cut": cut, "omitted": omitted}
            data.update({name: count for name, count in counts.items() if count})
            self._report(data)
