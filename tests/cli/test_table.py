import io

import pytest

from argus.cli.table import Paper, number, paper_of, printable, seconds_of, span, table

PIPE = Paper(10_000, colour=False)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_columns_are_as_wide_as_they_need_to_be():
    assert table(("A", "N"), [("one", "1"), ("three", "10")], PIPE, right=(1,)) == [
        "A       N",
        "one     1",
        "three  10",
    ]


def test_what_is_too_wide_for_a_terminal_is_cut():
    lines = table(("A", "B", "C"), [("x" * 30, "y" * 30, "z")], Paper(40, colour=False))
    assert [len(line) for line in lines] == [33, 40]


def test_states_are_painted_and_nothing_else_does_anything_to_a_terminal():
    paper = Paper(80, colour=True)
    _, line = table(("S", "RUN"), [("done", "evil\x1b[2J\n")], paper, {"done": "32"})
    assert line == "\x1b[32mdone\x1b[0m  evil?[2J?"
    assert printable("a\tb\x07é") == "a?b?é"


@pytest.mark.parametrize(
    ("environ", "colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_terminals_that_want_them(environ, colour):
    assert paper_of(Terminal(), environ).colour is colour
    assert paper_of(io.StringIO(), environ) == PIPE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (59, "59 s"), (61, "1 min"), (7_200, "2 h"), (200_000, "2 d")],
)
def test_length_of_time_is_told_in_its_largest_unit(seconds, text):
    assert span(seconds) == text


def test_age_is_read_with_its_unit_and_nothing_else():
    assert [seconds_of(text) for text in ("90s", "2m", "1h", "1d", "1w")] == [
        90,
        120,
        3_600,
        86_400,
        604_800,
    ]
    for odd in ("", "d", "1", "-1d", "1.5h", "1_0s", "1y"):
        with pytest.raises(ValueError):
            seconds_of(odd)


def test_numbers_are_short():
    assert [number(value) for value in (0.123456789, 3, None, "NaN", True)] == [
        "0.12346",
        "3",
        "",
        "NaN",
        "True",
    ]
