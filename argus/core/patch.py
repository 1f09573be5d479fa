"""Takes secrets out of a patch, so that it still is one: each line keeps its place and its mark.

A patch shows the middle of things, and marks each line with its first character: what spans several
lines, as a key does, is followed from line to line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from argus.core.redact import is_secret_name, may_hold_secret, redacted
from argus.core.secret import HIDDEN

MAX_LINE = 4_096  # characters; notebooks hold pictures in one line
_AHEAD = 256  # beyond them: half a secret no longer looks like one

_LINES_AT_ONCE = 64
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
# A key whose beginning the patch does not show.
_KEY_GOES_ON = re.compile(r"(?m)^[ \t\"']*[A-Za-z0-9+/]{60,76}={0,2}[\"']?[ \t\r]*$")
# `password: |`, and the value below, further to the right.
_BLOCK_BEGINS = re.compile(r"(\s*)(?:-\s+)?[\"']?([\w.-]+)[\"']?\s*:\s*[|>][-+0-9]*\s*")


def redacted_patch(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a patch, without their ends, some at a time and joined by newlines: between two
    pieces whoever asks may rest."""
    hiding = _Hiding()
    piece: list[str] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _LINES_AT_ONCE:
            yield hiding.piece(piece)
            piece = []
    if piece:
        yield hiding.piece(piece)


class _Hiding:
    """What the lines so far have begun."""

    def __init__(self) -> None:
        self._in_key = False
        self._block_indent: int | None = None

    def piece(self, lines: list[str]) -> str:
        shown = [line if len(line) <= MAX_LINE else _beginning(line) for line in lines]
        bodies = "\n".join(line[1:] for line in shown)
        is_inside = self._in_key or self._block_indent is not None
        if is_inside or may_hold_secret(bodies) or _KEY_GOES_ON.search(bodies):
            shown = [self._line(line) for line in shown]
        return "\n".join(shown)

    def _line(self, line: str) -> str:
        if line.startswith(("diff ", "@@ ")):  # elsewhere in the file, or another one
            self._in_key, self._block_indent = False, None
            return redacted(line)
        mark, body = line[:1], line[1:]
        if self._in_key:
            self._in_key = _KEY_ENDS.search(body) is None
            return mark + HIDDEN
        if self._block_indent is not None:
            indent = len(body) - len(body.lstrip())
            if not body.strip() or indent > self._block_indent:
                return mark + body[:indent] + (HIDDEN if body.strip() else "")
            self._block_indent = None
        if not may_hold_secret(body):
            return mark + (HIDDEN if _KEY_GOES_ON.search(body) else body)
        begun = None if (key := _KEY_BEGINS.search(body)) is None else body[key.end() :]
        self._in_key = begun is not None and _KEY_ENDS.search(begun) is None
        block = _BLOCK_BEGINS.fullmatch(body)
        if block is not None and is_secret_name(block[2]):
            self._block_indent = len(block[1])
            return line
        return mark + (HIDDEN if _KEY_GOES_ON.search(body) else redacted(body))


def _beginning(line: str) -> str:
    return f"{redacted(line[: MAX_LINE + _AHEAD])[:MAX_LINE]} (and {len(line) - MAX_LINE} more)"
