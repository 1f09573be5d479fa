from __future__ import annotations

import io

import pytest

from argus.cli.progress import Progress
from argus.cli.terminal import PlainLines, Redrawn, say, view_for
from tests.cli.stories import event, whole_story


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal, and keeps what is written to it."""

    def __init__(self, encoding="utf-8", is_terminal=True):
        self.kept = io.BytesIO()
        super().__init__(self.kept, encoding=encoding, newline="\n")
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal

    @property
    def written(self):
        self.flush()
        return self.kept.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def size(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize(
    ("stream", "environ", "kind"),
    [
        (Terminal(), {}, Redrawn),
        (Terminal(), {"TERM": "dumb"}, PlainLines),
        (Terminal(is_terminal=False), {"TERM": "xterm"}, PlainLines),
    ],
)
def test_only_a_terminal_is_drawn_upon(stream, environ, kind):
    assert type(view_for(stream, environ, "http://h", 3)) is kind


def test_a_picture_is_drawn_over_the_last_one_and_the_cursor_comes_back():
    terminal, progress = Terminal(), Progress()
    with pytest.raises(KeyboardInterrupt), view_for(terminal, {}, "http://h", 3) as view:
        view.update(progress, ())
        progress.fold(event("batch_start"))
        view.update(progress, ())
        raise KeyboardInterrupt
    first, second = terminal.written.split("\x1b[4A\r")
    assert first.startswith("\x1b[?25l\r")
    assert "waiting" in first
    assert "running" in second
    assert second.endswith("\x1b[J\x1b[?25h")


def test_no_color_is_honoured():
    for environ, has_colour in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        terminal = Terminal()
        with view_for(terminal, environ, "http://h", 3) as view:
            view.update(Progress(), ())
        assert ("\x1b[1m" in terminal.written) is has_colour


def test_a_stream_that_cannot_carry_blocks_gets_ascii():
    terminal, progress = Terminal(encoding="latin-1"), Progress()
    with view_for(terminal, {}, "http://h", 3) as view:
        for one in whole_story():
            progress.fold(one)
        view.update(progress, ())
    assert terminal.written.isascii()


def test_plain_lines_tell_of_what_has_arrived():
    stream = Terminal(is_terminal=False)
    with view_for(stream, {}, "http://h", 3) as view:
        view.update(Progress(), [event("job_start", "a"), event("env_snapshot")])
        view.update(Progress(), [event("job_done", "a")])
    assert stream.written == "argus demo  http://h/\na  start\na  done\n"


def test_what_a_stream_cannot_carry_does_not_stop_the_line():
    stream = Terminal(encoding="ascii")
    say(stream, "naïve")
    assert stream.written == "na?ve\n"
