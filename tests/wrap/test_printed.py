from __future__ import annotations

from typing import Any

from argus.wrap.printed import LAST_LINES, Printed


def told(*pieces: tuple[str, bytes]) -> tuple[list[dict[str, Any]], Printed]:
    reported: list[dict[str, Any]] = []
    printed = Printed(reported.append)
    for stream, piece in pieces:
        printed.add(stream, 0, [piece], 0.0)
    printed.finish(0.0)
    return reported, printed


def test_lines_of_two_streams_that_come_in_pieces() -> None:
    reported, printed = told(("stdout", b"ep"), ("stderr", b"warn\n\n"), ("stdout", b"och \xe2"))
    assert reported == [
        {"line": "warn", "level": "info", "stream": "stderr"},
        {"line": "epoch \ufffd", "level": "info", "stream": "stdout"},
    ]
    assert printed.last_lines == ["warn", "epoch \ufffd"]


def test_a_line_that_is_too_long_is_cut_and_says_so() -> None:
    [line], printed = told(("stdout", b"x" * 1_030 + b"\n"))[0], told()[1]
    assert (len(line["line"]), line["cut"]) == (1_024, 6)
    assert printed.last_lines == []


def test_of_a_flood_some_are_reported_and_the_last_are_kept() -> None:
    text = b"".join(b"%d\n" % number for number in range(1_000))
    reported, printed = told(("stdout", text))
    assert len(reported) == 20
    assert sum(line.get("omitted", 0) for line in reported) == 980
    assert printed.last_lines == [str(number) for number in range(1_000 - LAST_LINES, 1_000)]


def test_what_was_lost_on_the_way_is_counted_and_takes_no_half_line_along() -> None:
    reported: list[dict[str, Any]] = []
    printed = Printed(reported.append)
    printed.add("stdout", 0, [b"half"], 0.0)
    printed.add("stdout", 7, [b"whole\n"], 1.0)
    assert reported == [{"line": "whole", "level": "info", "stream": "stdout", "omitted": 7}]


def test_what_is_held_back_comes_when_its_second_is_over() -> None:
    reported: list[dict[str, Any]] = []
    printed = Printed(reported.append)
    printed.add("stdout", 0, [b"line\n" * 15], 0.0)
    due_at = printed.tick(0.5)
    assert (len(reported), due_at) == (10, 1.0)
    printed.tick(due_at)
    assert len(reported) == 15
