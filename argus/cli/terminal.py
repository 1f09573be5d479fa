"""Where `argus demo` shows what it sees: a terminal that is redrawn in place, or plain lines.

The only code of the demo that knows escape sequences of the cursor and what a stream can encode.
"""

from __future__ import annotations

import shutil
import sys
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

from argus.cli.chart import can_draw
from argus.cli.narration import sentence
from argus.cli.progress import Progress
from argus.cli.screen import Style, frame

_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"
_CLEAR_REST_OF_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


class View(AbstractContextManager["View"]):
    """Shows a batch from the first event to the last; leaving it leaves the terminal as it was."""

    @abstractmethod
    def update(self, progress: Progress, arrived: Iterable[Mapping[str, Any]]) -> None:
        """Show `progress`, into which the events that have `arrived` are folded already."""


def view_for(stream: TextIO, environ: Mapping[str, str], url: str, epochs: int) -> View:
    """The view that suits a stream. NO_COLOR is honoured (no-color.org)."""
    # The console of Windows understands escape sequences only once it is told to.
    plain = environ.get("TERM") == "dumb" or sys.platform == "win32"
    if not stream.isatty() or plain:
        return PlainLines(stream, url, epochs)
    style = Style(unicode=can_draw(stream.encoding), colour=not environ.get("NO_COLOR"))
    return Redrawn(stream, url, epochs, style)


class PlainLines(View):
    """A line for each event worth one: for a pipe, a file, a log."""

    def __init__(self, stream: TextIO, url: str, epochs: int) -> None:
        self._stream = stream
        self._epochs = epochs
        say(stream, f"argus demo  {url}/")

    def update(self, progress: Progress, arrived: Iterable[Mapping[str, Any]]) -> None:
        """Print what has arrived."""
        for event in arrived:
            line = sentence(event, self._epochs)
            if line is not None:
                say(self._stream, line)

    def __exit__(self, *exc_info: object) -> None:
        """Nothing to put right."""


class Redrawn(View):
    """One picture that is drawn over and over in the same place."""

    def __init__(self, stream: TextIO, url: str, epochs: int, style: Style) -> None:
        self._stream = stream
        self._url = url
        self._epochs = epochs
        self._style = style
        self._height = 0

    def update(self, progress: Progress, arrived: Iterable[Mapping[str, Any]]) -> None:
        """Draw the picture of `progress` over the last one."""
        columns, rows = shutil.get_terminal_size()
        # A line that fills the last column or the last row would make the terminal scroll.
        lines = frame(
            progress,
            url=self._url,
            epochs=self._epochs,
            columns=max(columns - 1, 1),
            rows=max(rows - 1, 1),
            style=self._style,
        )
        back = f"\x1b[{self._height}A" if self._height else _HIDE_CURSOR
        body = "".join(f"{line}{_CLEAR_REST_OF_LINE}\n" for line in lines)
        # One write, no clearing first: nothing flickers.
        self._write(f"{back}\r{body}{_CLEAR_BELOW}")
        self._height = len(lines)

    def __exit__(self, *exc_info: object) -> None:
        """Give the cursor back."""
        self._write(_SHOW_CURSOR)

    def _write(self, text: str) -> None:
        self._stream.write(_encodable(text, self._stream))
        self._stream.flush()


def say(stream: TextIO, line: str) -> None:
    """Print a line at once, whatever characters it holds."""
    print(_encodable(line, stream), file=stream, flush=True)


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
