from __future__ import annotations

import time

import pytest

from argus.console.lines import MAX_HELD, Line, LineFolder, LineRate, plain_text


def folded(*pieces: str | bytes, encoding: str = "utf-8") -> list[str]:
    folder = LineFolder(encoding)
    lines = [line for piece in pieces for line in folder.feed(piece)] + folder.rest()
    return [line.text for line in lines]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (["one\ntwo\n"], ["one", "two"]),
        (["o", "ne", "\n", "two"], ["one", "two"]),
        (["a\n\nb\n"], ["a", "", "b"]),
        (["windows\r\nlines\r", "\n"], ["windows", "lines"]),
        ([], []),
        ([""], []),
    ],
    ids=["whole", "in pieces", "an empty one", "carriage return and newline", "nothing", "empty"],
)
def test_text_in_any_pieces_becomes_the_same_lines(pieces: list[str], lines: list[str]):
    assert folded(*pieces) == lines


def test_a_progress_bar_is_folded_to_its_last_state():
    states = [
        f"\r{percent:3d}%|{'#' * (percent // 10):10}| {percent}/100" for percent in range(101)
    ]
    assert folded(*states, "\n", "done\n") == ["100%|##########| 100/100", "done"]


def test_a_bar_that_ends_with_a_return_keeps_its_last_state():
    assert folded("10%\r", "20%\r", "30%\r\x1b[K", "\n") == ["30%"]


def test_a_bar_that_clears_itself_leaves_nothing_behind():
    assert folded("\r50%", "\r     \r", "saved\n") == ["saved"]


def test_a_bar_that_never_ends_is_told_at_the_end():
    assert folded("epoch 1\n", "\r10%", "\r20%") == ["epoch 1", "20%"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("spin |\b/\b-", "spin -"),
        ("\b\bnothing before", "nothing before"),
        ("a\tb\x00\x07c\x7f", "a\tbc"),
        ("\x9b32mgreen", "green"),
        ("cut off \x1b[3", "cut off "),
        ("größer 訓練 🎉", "größer 訓練 🎉"),
    ],
)
def test_escapes_and_control_characters_are_taken_out(text: str, shown: str):
    assert plain_text(text) == shown


def test_an_escape_that_comes_in_two_pieces_is_taken_out():
    assert folded("\x1b[", "31mred\x1b", "[0m\n") == ["red"]


def test_characters_that_come_in_two_pieces_of_bytes_are_one():
    data = "größer 訓練\n".encode()
    assert folded(*(data[at : at + 1] for at in range(len(data)))) == ["größer 訓練"]


def test_bytes_that_are_no_text_are_replaced_and_end_no_line():
    assert folded(b"a\xff\xfeb\nc\xe8\xa8") == ["a\ufffd\ufffdb", "c\ufffd"]


def test_bytes_are_read_in_the_encoding_of_their_stream():
    assert folded("größer\n".encode("latin-1"), encoding="latin-1") == ["größer"]
    assert folded("größer\n".encode(), encoding="no-such-encoding") == ["größer"]


def test_a_line_without_end_is_held_up_to_a_bound_and_the_rest_counted():
    folder = LineFolder()
    for _ in range(10):
        assert folder.feed("x" * (MAX_HELD // 5)) == []
    (line,) = folder.feed("\n")
    assert len(line.text) + line.more == 10 * (MAX_HELD // 5)
    assert len(line.text) == MAX_HELD
    assert folder.feed("next\n") == [Line("next", 0)]


def test_hostile_text_takes_linear_time():
    began = time.monotonic()
    for text in ("\x1b[" * 100_000, "\x1b]" * 100_000, "\b" * 200_000, "\r" * 200_000):
        folded(text, "\n")
    assert time.monotonic() - began < 10


def test_lines_below_the_rate_pass_at_once():
    rate = LineRate(20)
    passed = [rate.put(number, number * 0.2) for number in range(50)]
    assert passed == [[(number, 0)] for number in range(50)]


def test_a_flood_shows_its_beginning_and_its_end_and_says_how_many_are_between():
    rate = LineRate(20)
    passed = [item for number in range(1000) for item in rate.put(number, 0.0)]
    assert passed == [(number, 0) for number in range(10)]
    assert rate.take(0.9) == []
    assert rate.due_at == 1.0
    assert rate.take(1.0) == [(990, 980)] + [(number, 0) for number in range(991, 1000)]
    assert rate.due_at == float("inf")


def test_a_flood_that_goes_on_passes_twenty_lines_a_second_and_counts_each_other():
    rate = LineRate(20)
    passed = [item for number in range(5000) for item in rate.put(number, number / 1000)]
    passed += rate.rest()
    assert 5 * 20 - 1 <= len(passed) <= 5 * 20
    assert len(passed) + sum(omitted for _, omitted in passed) == 5000
    assert [line for line, _ in passed] == sorted(line for line, _ in passed)


def test_a_burst_of_no_more_than_the_rate_passes_whole():
    rate = LineRate(20)
    passed = [item for number in range(20) for item in rate.put(number, 0.0)] + rate.rest()
    assert passed == [(number, 0) for number in range(20)]


def test_lines_lost_before_are_told_with_the_next_one():
    rate = LineRate(20)
    rate.omit(7)
    assert rate.omitted == 7
    assert rate.put("next", 0.0) == [("next", 7)]
    assert rate.omitted == 0
