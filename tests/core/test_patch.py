"""What a patch shows of secrets: nothing, and it stays a patch."""

from __future__ import annotations

import time

import pytest

from argus.core.patch import MAX_LINE, redacted_patch

KEY = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEabc", "x" * 64, "-----END RSA PRIVATE KEY-----"]


def shown(*lines: str) -> list[str]:
    return "\n".join(redacted_patch(lines)).split("\n")


def test_what_holds_no_secret_stays_as_it_is() -> None:
    lines = [
        "diff --git a/x b/x",
        "@@ -1 +1,2 @@",
        " lr = 0.1",
        "-a",
        "+\tb\r",
        "+",
        "\\ No newline",
    ]

    assert shown(*lines) == lines
    assert list(redacted_patch([])) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('+API_KEY = "abc def"', "+API_KEY = ***"),
        ("-password: hunter2", "-password: ***"),
        (" url = http://ann:pw@host/", " url = http://***@host/"),
        ("+x = 'hf_abcdefghijklmnopqrstuvwxyz'", "+x = '***'"),
        (f"+{'Ab1/' * 16}", "+***"),
        (f'+  "{"Ab1/" * 16}"', "+***"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_behind_its_mark(line: str, expected: str) -> None:
    assert shown("+before", line, "+after") == ["+before", expected, "+after"]


def test_a_key_is_hidden_line_by_line_to_its_end() -> None:
    key = [f"+{line}" for line in KEY]

    assert shown("+a", *key, "+b") == ["+a", "+***", "+***", "+***", "+***", "+b"]
    in_one = '+k = "-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----"'
    assert shown(in_one, "+b") == ['+k = "***"', "+b"]


def test_a_key_that_is_cut_ends_with_its_part_of_the_file() -> None:
    assert shown(f"+{KEY[0]}", "+MIIE", "@@ -9 +9 @@", "+b") == [
        "+***",
        "+***",
        "@@ -9 +9 @@",
        "+b",
    ]
    assert shown(f"-{KEY[0]}", "diff --git a/b b/b", "-b")[1:] == ["diff --git a/b b/b", "-b"]


@pytest.mark.parametrize("before", range(60, 68))
def test_a_key_and_a_block_are_followed_from_piece_to_piece(before: int) -> None:
    block = ["+ token: |", "+   line-1", "+", "+   line-2", "+ next: 1"]
    lines = ["+a"] * before + [f"+{line}" for line in KEY] + block

    hidden = ["+***"] * 4 + ["+ token: |", "+   ***", "+", "+   ***", "+ next: 1"]
    assert shown(*lines) == ["+a"] * before + hidden


def test_a_long_line_is_cut_and_no_half_of_a_secret_is_left() -> None:
    line = "+" + "a" * (MAX_LINE - 20) + " token=" + "s" * 300

    (cut,) = shown(line)
    assert "ss" not in cut
    assert len(cut) < MAX_LINE + 40
    assert cut.endswith(f" (and {len(line) - MAX_LINE} more)")


def test_time_grows_with_the_patch_and_no_faster() -> None:
    def seconds(lines: int) -> float:
        before = time.perf_counter()
        for _ in redacted_patch([f"+{KEY[0]}", *["+" + "secret_" * 500] * lines]):
            pass
        return time.perf_counter() - before

    seconds(10)
    assert min(seconds(400) for _ in range(3)) < 20 * min(seconds(100) for _ in range(3))
