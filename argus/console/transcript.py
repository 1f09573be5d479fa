"""What becomes of printed text: lines in the run's `logs/output.log`, lines of its log.

Made and used in one thread, that of its `Capture`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Optional, Union

from argus.console.lines import MAX_FORWARDED, Line, LineFolder, LineRate
from argus.console.output_log import OutputLog
from argus.core.redact import hideable
from argus.delivery.channel import Channel

Piece = tuple[float, Optional[str], int, Union[str, bytes]]

# Whose text it is: of sys.stdout, of sys.stderr, or a message of our own that a log handler printed.
# That one is kept and not sent: to send it may be what it complains about.
STDOUT, STDERR, OWN = range(3)
_NAMES = ("stdout", "stderr", "stderr")

JOINED_S = 0.01  # so exact are the times of lines
TRY_AGAIN_S = 1.0  # to write what the disk has refused, or has no directory yet


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same text in fewer pieces: a `print` makes one of each of its words, and to go through
    them takes the interpreter from who prints."""
    texts: list[str] = []
    at, job_id, whose = 0.0, None, STDOUT
    for piece in pieces:
        if texts and (
            piece[2] != whose
            or piece[0] > at + JOINED_S
            or (piece[1] is not None and piece[1] != job_id)
            or piece[3].__class__ is not str
        ):
            yield at, job_id, whose, "".join(texts)
            texts = []
        if piece[3].__class__ is not str:
            yield piece
        elif texts:
            texts.append(piece[3])
        else:
            at, job_id, whose, texts = piece[0], piece[1], piece[2], [piece[3]]
    if texts:
        yield at, job_id, whose, "".join(texts)


class Transcript:
    """The lines of one run. `pieces` are (monotonic time, job id, whose text, text); without a job
    id they belong to what came before them. `forwarded` says whose text is sent."""

    def __init__(self, channel: Channel, forwarded: Collection[int], keeps: bool) -> None:
        self._channel = channel
        self._secret = hideable(channel.settings.token)
        self._folders = [LineFolder() for _ in _NAMES]
        self._jobs: list[str | None] = [None for _ in _NAMES]  # that the latest text is of
        self._forwarded = frozenset(forwarded)
        self._rate = LineRate() if forwarded else None
        self._log = OutputLog() if keeps else None
        self._epoch = 0.0  # what the wall clock says at the monotonic clock's zero

    def add(self, pieces: Iterable[Any], lost: int, now: float) -> None:
        """Put down the lines that have ended; `lost` others never came here. `now` is monotonic."""
        kept: list[bytes] = []
        self._omit(lost)
        self._epoch = time.time() - now
        for at, job_id, whose, text in joined(pieces):
            if job_id is not None:
                self._jobs[whose] = job_id
            for line in self._folders[whose].feed(text):
                self._put(line, at, whose, kept)
        if self._rate is not None:
            self._forward(self._rate.take(now))
        self._keep(kept)

    def due_in(self, now: float) -> float:
        """The seconds until something is to be done, also where nothing is printed."""
        due_at = math.inf if self._rate is None else self._rate.due_at
        if self._log is not None and not self._log.is_written:
            due_at = min(due_at, now + TRY_AGAIN_S)
        return due_at - now

    def finish(self, job_id: str | None, deadline: float) -> None:
        """Put down all there is, and let go of the file. `deadline` is monotonic."""
        kept: list[bytes] = []
        now = time.monotonic()
        self._epoch = time.time() - now
        for whose, folder in enumerate(self._folders):
            for line in folder.rest():
                self._put(line, now, whose, kept)
        if self._rate is not None:
            self._forward(self._rate.rest())
            if self._rate.omitted:
                note = Line(f"({self._rate.omitted} lines omitted)", 0)
                self._forward([((note, now, job_id, STDOUT), self._rate.omitted)])
        if self._log is not None:
            self._log.put(kept)
            self._close(self._log, deadline)

    def _omit(self, lost: int) -> None:
        if lost and self._rate is not None:
            self._rate.omit(lost)
        if lost and self._log is not None:
            self._log.omitted += lost

    def _put(self, line: Line, at: float, whose: int, kept: list[bytes]) -> None:
        if self._secret is not None:
            line = line._replace(text=self._secret.hide_in(line.text))
        if self._log is not None:
            cut = f"... (+{line.more} characters)" if line.more else ""
            kept.append(f"{line.text}{cut}".encode("utf-8", "backslashreplace"))
        if (
            self._rate is not None and whose in self._forwarded and line.text
        ):  # else it says nothing
            self._forward(self._rate.put((line, at, self._jobs[whose], whose), at))

    def _forward(self, passing: list[tuple[Any, int]]) -> None:
        for (line, at, job_id, whose), omitted in passing:
            if self._channel.closing_at is not None:  # it was not waited for
                return
            cut = max(len(line.text) - MAX_FORWARDED, 0) + line.more
            data = {"line": line.text[:MAX_FORWARDED], "level": "info", "stream": _NAMES[whose]}
            counts = {"cut": cut, "omitted": omitted}
            data.update({name: count for name, count in counts.items() if count})
            self._channel.put(("log_line", self._epoch + at, job_id, data, None))

    # The file

    @property
    def _directory(self) -> Path | None:
        # What a forked child prints belongs with what its parent prints.
        return self._channel.parents_directory or self._channel.run_directory

    def _keep(self, lines: list[bytes]) -> None:
        if self._log is None:
            return
        self._log.put(lines)
        directory = self._directory
        if directory is None:
            return
        try:
            self._log.write(directory)
        except OSError as error:
            self._trouble(error)

    def _close(self, log: OutputLog, deadline: float) -> None:
        if not log.is_written and self._directory is None:  # a run so short that it has none yet
            self._channel.placed.wait(deadline - time.monotonic())
        try:
            log.close(self._directory)
        except OSError as error:
            self._trouble(error)
        if not log.is_written:
            self._channel.notices.warn(
                "console end", "the last of what was printed could not be kept in logs/output.log"
            )

    def _trouble(self, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):  # removed: the run will have another place soon
            return
        self._channel.notices.warn(
            "console disk",
            "what is printed cannot be kept in logs/output.log (%s); it is held in memory for a while",
            error,
        )
