"""Pictures made of characters: a line chart, a sparkline, a progress bar.

Pure: numbers in, lines of text out, never wider than asked for. Braille and blocks where the stream
can carry them, plain ASCII elsewhere. A value that is not finite is a gap with a mark, never a point.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Optional

# A painter gets the number of a series and the text that belongs to it, and may colour the text.
Paint = Callable[[int, str], str]

_BLOCKS = "▁▂▃▄▅▆▇█"
_STEPS = "_.-=+*%#"  # the same eight heights, as far as ASCII goes
_BRAILLE = 0x2800  # Unicode: a cell of 2 x 4 dots, each a bit of the code point
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column
_GAP = "\N{MULTIPLICATION SIGN}"
_MARKS = "*o+x#@%&"  # one for each series, where no colour tells them apart
_MAX = sys.float_info.max
_FRAME_ROWS = 3  # legend, axis, labels of x


class Series(NamedTuple):
    """A named curve: (x, y) in the order of x; y may be NaN or infinite."""

    name: str
    points: Sequence[tuple[float, float]]


class Cell(NamedTuple):
    """One character of a picture, and the series that it belongs to; None for the frame."""

    char: str
    owner: Optional[int]


def can_draw(encoding: str | None) -> bool:
    """Whether a stream of this encoding carries all the characters used here."""
    try:
        f"{chr(_BRAILLE + 255)}{_BLOCKS}{_GAP}█░┤└─".encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def line_chart(
    series: Sequence[Series],
    *,
    width: int,
    height: int,
    x_label: str,
    x_last: float,
    braille: bool,
    paint: Paint,
) -> list[str]:
    """`height` lines: a legend, the curves between their axes, and the labels of x.

    x reaches from the smallest of the points to `x_last`, or beyond if they do. Without
    `braille`, every series has a mark of its own, and the picture is pure ASCII.
    """
    low, high = _value_range(series)
    rows = max(height - _FRAME_ROWS, 1)
    y_labels = _y_labels(low, high, rows)
    margin = max(len(label) for label in y_labels.values())
    canvas = _Canvas(max(width - margin - 2, 1), rows, braille)
    xs = [x for line in series for x, _ in line.points]
    first, last = min(xs, default=0.0), max([x_last, *xs])
    for owner, line in enumerate(series):
        _draw(canvas, owner, line.points, (first, last), (low, high))
    picture = [
        _legend(series, canvas.has_gaps, braille),
        *_with_y_axis(canvas, y_labels, margin),
        *_x_axis(canvas.columns, margin, (_short(first), x_label, _short(last)), braille),
    ]
    return [_painted(row[: max(width, 0)], paint) for row in picture[: max(height, 0)]]


def sparkline(values: Sequence[float], width: int, low: float, high: float, unicode: bool) -> str:
    """The last `width` values, one character each, as heights between `low` and `high`."""
    heights = _BLOCKS if unicode else _STEPS
    return "".join(
        heights[_dot(value, low, high, len(heights))]
        if math.isfinite(value)
        else _gap_mark(unicode)
        for value in values[max(len(values) - width, 0) :]
    )


def progress_bar(done: int, total: int, width: int, unicode: bool) -> str:
    """`width` characters, as many of them full as `done` is of `total`."""
    full = width * min(max(done, 0), total) // total if total > 0 else 0
    return ("█" if unicode else "#") * full + ("░" if unicode else ".") * (width - full)


class _Canvas:
    """A grid of characters that is drawn on dot by dot; the dot (0, 0) is at the bottom left."""

    def __init__(self, columns: int, rows: int, braille: bool) -> None:
        self.columns = columns
        self.rows = rows
        self.braille = braille
        self._cell_width, self._cell_height = (2, 4) if braille else (1, 1)
        self.dots_across = columns * self._cell_width
        self.dots_up = rows * self._cell_height
        self._bits: dict[tuple[int, int], int] = {}
        self._owners: dict[tuple[int, int], int] = {}
        self._gaps: dict[int, int] = {}

    def dot(self, across: int, up: int, owner: int) -> None:
        """Set a dot. The character that it lies in belongs to the last one who draws there."""
        down = self.dots_up - 1 - up
        at = across // self._cell_width, down // self._cell_height
        bit = _DOTS[down % self._cell_height][across % self._cell_width]
        self._bits[at] = self._bits.get(at, 0) | bit
        self._owners[at] = owner

    def gap(self, across: int, owner: int) -> None:
        """Mark a value that cannot be drawn, at the foot of its column."""
        self._gaps[across // self._cell_width] = owner

    @property
    def has_gaps(self) -> bool:
        """Whether something could not be drawn."""
        return bool(self._gaps)

    def row(self, number: int) -> list[Cell]:
        """The characters of a row, the topmost being 0."""
        return [self._cell(column, number) for column in range(self.columns)]

    def _cell(self, column: int, row: int) -> Cell:
        if row == self.rows - 1 and column in self._gaps:
            return Cell(_gap_mark(self.braille), self._gaps[column])
        owner = self._owners.get((column, row))
        if owner is None:
            return Cell(" ", None)
        if self.braille:
            return Cell(chr(_BRAILLE + self._bits[column, row]), owner)
        return Cell(_mark(owner), owner)


def _draw(
    canvas: _Canvas,
    owner: int,
    points: Sequence[tuple[float, float]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> None:
    """Draw a curve: straight from point to point, interrupted where a value is not finite."""
    before: tuple[int, int] | None = None
    for x, y in points:
        across = _dot(x, *x_range, canvas.dots_across)
        if not math.isfinite(y):
            canvas.gap(across, owner)
            before = None
            continue
        here = (across, _dot(y, *y_range, canvas.dots_up))
        for dot in _straight(before or here, here):
            canvas.dot(*dot, owner)
        before = here


def _straight(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line, without a hole."""
    across, up = end[0] - start[0], end[1] - start[1]
    steps = max(abs(across), abs(up), 1)
    return [
        (start[0] + round(across * step / steps), start[1] + round(up * step / steps))
        for step in range(steps + 1)
    ]


def _dot(value: float, low: float, high: float, dots: int) -> int:
    """Where a value falls among `dots` places. Halves, since high - low may overflow."""
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.0
    return round(min(max(share, 0.0), 1.0) * (dots - 1))


def _value_range(series: Sequence[Series]) -> tuple[float, float]:
    """The smallest and largest finite y; some room around them where they are the same."""
    ys = [y for line in series for _, y in line.points if math.isfinite(y)]
    low, high = min(ys, default=0.0), max(ys, default=1.0)
    if high / 2 > low / 2:
        return low, high
    room = abs(low) * 0.1 or 1.0
    return max(low - room, -_MAX), min(high + room, _MAX)


def _legend(series: Sequence[Series], has_gaps: bool, braille: bool) -> list[Cell]:
    cells: list[Cell] = []
    for owner, line in enumerate(series):
        cells += _text(f"{'─' if braille else _mark(owner)} {line.name}", owner)
        cells += _text("   ", None)
    return cells + _text(f"{_gap_mark(braille)} not finite" if has_gaps else "", None)


def _y_labels(low: float, high: float, rows: int) -> dict[int, str]:
    """What stands beside which row: the values at the top, in the middle, at the bottom."""
    middle = rows // 2
    share = middle / max(rows - 1, 1)  # of the way down
    # In this order, so that the ends win where there is no row for the middle.
    return {
        middle: _short(high * (1 - share) + low * share),
        rows - 1: _short(low),
        0: _short(high),
    }


def _with_y_axis(canvas: _Canvas, labels: Mapping[int, str], margin: int) -> list[list[Cell]]:
    axis = "┤" if canvas.braille else "|"
    return [
        _text(f"{labels.get(number, ''):>{margin}} {axis}", None) + canvas.row(number)
        for number in range(canvas.rows)
    ]


def _x_axis(
    columns: int, margin: int, labels: tuple[str, str, str], braille: bool
) -> list[list[Cell]]:
    corner, line = ("└", "─") if braille else ("+", "-")
    first, middle, last = labels
    room = max(columns - len(first) - len(last), 0)
    if len(middle) + 2 > room:
        middle = ""
    return [
        _text(f"{'':{margin}} {corner}{line * columns}", None),
        _text(f"{'':{margin}}  {first}{middle:^{room}}{last}"[: margin + 2 + columns], None),
    ]


def _painted(row: Sequence[Cell], paint: Paint) -> str:
    """A row as text, each stretch of one series painted as one."""
    pieces: list[str] = []
    start = 0
    for end in range(1, len(row) + 1):
        if end == len(row) or row[end].owner != row[start].owner:
            text = "".join(cell.char for cell in row[start:end])
            owner = row[start].owner
            pieces.append(text if owner is None else paint(owner, text))
            start = end
    return "".join(pieces).rstrip()


def _text(text: str, owner: int | None) -> list[Cell]:
    return [Cell(char, owner) for char in text]


def _mark(owner: int) -> str:
    return _MARKS[owner % len(_MARKS)]


def _gap_mark(unicode: bool) -> str:
    return _GAP if unicode else "!"


def _short(number: float) -> str:
    return f"{number:.3g}"
