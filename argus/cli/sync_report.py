"""What `argus sync` says: a line for each run, a sum, and on a terminal a bar while it works."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Sequence

from argus.cli.chart import can_draw, progress_bar
from argus.cli.terminal import say
from argus.sync import task as words
from argus.sync.task import Tidings

_BAR_WIDTH = 24
_CLEAR_LINE = "\r\x1b[K"
_NOT_DONE, _BAD_INPUT = 1, 2
_SAY_S = 10.0  # how often, where there is no terminal
_RATE_S = 1.0  # before it, a rate says little


class Report:
    """Tells a person, or a machine. For any thread."""

    def __init__(self, url: str, as_json: bool, is_dry: bool) -> None:
        self._url = url
        self._as_json = as_json
        self._is_dry = is_dry
        self._began_at = time.monotonic()
        self._told: list[Tidings] = []
        self._complaints = 0
        self._speaking = threading.RLock()  # a line and the bar are not mixed up
        self._draws = sys.stderr.isatty() and not as_json
        self._is_drawn = False
        self._say_at = _SAY_S  # seconds since the beginning
        self._trouble: str | None = None
        self.given_up: str | None = None
        self.interrupted = 0  # the exit code, where it was

    def complain(self, text: str) -> None:
        """Bad input."""
        self._complaints += 1
        self.warn(text)

    def warn(self, text: str) -> None:
        """A line for whoever must act on it."""
        with self._speaking:
            self._clear()
            say(sys.stderr, f"argus sync: {text}")

    def tell(self, tidings: Tidings) -> None:
        """What became of one item."""
        with self._speaking:
            self._told.append(tidings)
            if tidings.outcome == words.UNREADABLE or tidings.torn_bytes:
                torn = f"ends in half a line ({counted(tidings.torn_bytes, 'byte')}), which is left out"
                reason = torn if tidings.torn_bytes else f"cannot be read: {tidings.reason}"
                self.complain(f"{tidings.item.path} {reason}")
            if self._as_json:
                say(sys.stdout, json.dumps(tidings.document()))
                return
            line = sentence(tidings, self._is_dry)
            if line is not None:
                self._clear()
                say(sys.stdout, line)

    def draw(self, under_way: Sequence[Tidings], trouble: str | None) -> None:
        """Show how far it is: on a terminal in place, elsewhere now and then in a line."""
        if not self._draws:
            self._say_now_and_then(under_way, trouble)
            return
        with self._speaking:
            width = shutil.get_terminal_size().columns - 1
            elapsed = time.monotonic() - self._began_at
            text = bar(under_way, elapsed, trouble, can_draw(sys.stderr.encoding))
            sys.stderr.write(f"{_CLEAR_LINE}{text[:width]}")
            sys.stderr.flush()
            self._is_drawn = True

    def _say_now_and_then(self, under_way: Sequence[Tidings], trouble: str | None) -> None:
        elapsed = time.monotonic() - self._began_at
        has_news = trouble is not None and self._trouble is None
        self._trouble = trouble
        if self._as_json or not (has_news or elapsed >= self._say_at):
            return
        self._say_at = elapsed + _SAY_S
        self.warn(progress(under_way, elapsed, trouble).strip())

    def finish(self) -> int:
        """Say what it adds up to. The exit code."""
        self._clear()
        left_events = sum(each.left_events for each in self._told)
        left_files = sum(each.left_files for each in self._told)
        if self._as_json:
            say(sys.stdout, json.dumps(self._document(left_events, left_files)))
        else:
            say(sys.stdout, self._sum(left_events, left_files))
        if self.given_up is not None:
            say(sys.stderr, f"argus sync: given up on {self._url}: {self.given_up}")
        elif self.interrupted:
            say(sys.stderr, "argus sync: interrupted; the same command goes on where this ended")
        return self._exit_code(bool(left_events or left_files))

    def _exit_code(self, is_left: bool) -> int:
        if self.interrupted:
            return self.interrupted
        if self.given_up is not None:
            return _NOT_DONE
        if self._complaints or any(each.unreadable_lines for each in self._told):
            return _BAD_INPUT
        is_refused = any(each.refused_events or each.refused_files for each in self._told)
        is_busy = any(each.outcome == words.BUSY for each in self._told)
        return _NOT_DONE if (is_left and not self._is_dry) or is_refused or is_busy else 0

    def _sum(self, left_events: int, left_files: int) -> str:
        if self._is_dry:
            return f"{amount(left_events, left_files)} would be sent to {self._url}"
        events, sent = (sum(counts) for counts in zip((0, 0), *self._delivered()))
        seconds = time.monotonic() - self._began_at
        text = f"{amount(events, sent)} delivered to {self._url} in {seconds:.1f} s"
        idle = sum(each.outcome == words.NOTHING for each in self._told)
        if idle:
            text += f"; {counted(idle, 'run')} had nothing to send"
        if left_events or left_files:
            text += f"; {amount(left_events, left_files)} left"
        return text

    def _document(self, left_events: int, left_files: int) -> dict[str, object]:
        events, sent = (sum(counts) for counts in zip((0, 0), *self._delivered()))
        return {
            "type": "summary",
            "url": self._url,
            "dry_run": self._is_dry,
            "runs": len(self._told),
            "events": events,
            "files": sent,
            "left_events": left_events,
            "left_files": left_files,
            "given_up": self.given_up,
            "interrupted": bool(self.interrupted),
            "seconds": round(time.monotonic() - self._began_at, 3),
        }

    def _delivered(self) -> list[tuple[int, int]]:
        return [(each.events, each.files) for each in self._told]

    def _clear(self) -> None:
        if self._is_drawn:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()
            self._is_drawn = False


def sentence(told: Tidings, is_dry: bool) -> str | None:
    """One line about one item; None where there is nothing to say."""
    path = told.item.path
    if told.outcome in (words.NOTHING, words.UNREADABLE):
        stays = f"stays        {path}  {told.stays}" if told.stays is not None else None
        return f"removed      {path}" if told.pruned else stays
    if told.outcome in (words.PASSED, words.BUSY):
        return f"passed over  {path}  {told.reason}"
    if is_dry:
        return f"would send   {path}  {amount(told.left_events, told.left_files)}"
    return f"{told.outcome:<11}  {path}  {'; '.join(_details(told))}"


def _details(told: Tidings) -> list[str]:
    left = amount(told.left_events, told.left_files)
    refused = amount(told.refused_events, told.refused_files)
    parts = (
        (True, amount(told.events, told.files)),
        (told.left_events or told.left_files, f"{left} left"),
        (told.refused_events or told.refused_files, f"{refused} refused for good"),
        (told.unreadable_lines, f"{counted(told.unreadable_lines, 'line')} not an event"),
        (told.refusal, f"first: {told.refusal}"),
        (told.closed, "it had crashed, and its end is told"),
        (told.pruned, "removed"),
        (told.stays, f"it stays: {told.stays}"),
        (told.reason, told.reason or ""),
    )
    return [text for is_so, text in parts if is_so]


def amount(events: int, files: int) -> str:
    """How many of each; files only where there are some, and alone where there is nothing else."""
    if files and not events:
        return counted(files, "file")
    return counted(events, "event") + (f" and {counted(files, 'file')}" if files else "")


def counted(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bar(under_way: Sequence[Tidings], elapsed_s: float, trouble: str | None, unicode: bool) -> str:
    """How far all of it is, drawn; in trouble the room is for what is wrong."""
    text = progress(under_way, elapsed_s, trouble)
    if trouble is not None:
        return text
    sent, total = _bytes(under_way)
    return f"{progress_bar(sent, total, _BAR_WIDTH, unicode)} {text}"


def progress(under_way: Sequence[Tidings], elapsed_s: float, trouble: str | None) -> str:
    """How far all of it is, how fast, and how long it will take."""
    sent, total = _bytes(under_way)
    events = sum(each.events for each in under_way)
    text = f"{100 * sent // total if total else 0:3d} %  {counted(events, 'event')}"
    if trouble is not None:
        return f"{text.lstrip()}  trying again: {trouble}"
    if elapsed_s >= _RATE_S and sent:
        rate = sent / elapsed_s
        text += f"  {rate / 1e6:.1f} MB/s  {duration((total - sent) / rate)} left"
    return text


def _bytes(under_way: Sequence[Tidings]) -> tuple[int, int]:
    """How many are delivered, and of how many."""
    sent = sum(each.sent_bytes for each in under_way)
    return sent, max(sum(each.total_bytes for each in under_way), sent)


def duration(seconds: float) -> str:
    """`0:42`, `12:07`, `3:00:00`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
