"""Text in columns, for a terminal or a pipe. Pure: cells in, lines out."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional, TextIO

STATE_CODES = {  # SGR codes of ECMA-48
    "running": "36",
    "done": "32",
    "failed": "31",
    "crashed": "31",
    "stalled": "33",
    "preempted": "33",
}
_UNBOUNDED = 10_000


class Paper(NamedTuple):
    """What is printed on: how wide it is, and whether it takes colours."""

    width: int
    colour: bool

    def painted(self, text: str, code: str | None) -> str:
        """`text` in a colour, where there are any."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text.strip() else text


def paper_of(stream: TextIO, environ: Mapping[str, str]) -> Paper:
    """The paper that a stream is. NO_COLOR is honoured (no-color.org). A pipe has no width."""
    if not stream.isatty():
        return Paper(_UNBOUNDED, colour=False)
    plain = environ.get("NO_COLOR") or environ.get("TERM") == "dumb" or sys.platform == "win32"
    return Paper(max(shutil.get_terminal_size().columns, 40), colour=not plain)


def standard_paper() -> Paper:
    """That of stdout."""
    return paper_of(sys.stdout, os.environ)


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    paper: Paper,
    codes: Optional[Mapping[str, str]] = None,
    right: Sequence[int] = (),
) -> list[str]:
    """Rows under their heads. A cell whose text is among `codes` is painted; the columns `right`
    are numbers. What is too wide for the paper is cut at the end of the line."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *shown)]
    lines = []
    for number, row in enumerate([heads, *shown]):
        left, cells = paper.width, []
        for at, (cell, width) in enumerate(zip(row, widths)):
            padded = f"{cell:>{width}}" if at in right else f"{cell:<{width}}"
            fitted = padded[:left]
            left = max(left - len(padded) - 2, 0)
            code = "2" if number == 0 else (codes or {}).get(cell)
            cells.append(paper.painted(fitted, code))
        lines.append("  ".join(cell for cell in cells if cell).rstrip())
    return lines


def printable(text: str) -> str:
    """`text` without what would do something to a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def number(value: object) -> str:
    """A number as short as it can be read; a text as it is."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def span(seconds: float) -> str:
    """A length of time in its largest unit: `42 s`, `3 min`, `5 h`, `12 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def seconds_of(text: str) -> float:
    """The seconds that `90s`, `30m`, `12h`, `7d` or `2w` stand for. Raises ValueError."""
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
    count, unit = text[:-1], text[-1:]
    if unit not in units or not (count.isascii() and count.isdigit()):
        raise ValueError(text)
    return float(int(count) * units[unit])
