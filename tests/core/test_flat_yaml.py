from __future__ import annotations

import pytest

from argus.core.flat_yaml import parse_flat_yaml

KEYS = ("url", "token", "mode")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("---\n# a comment\n\nurl: http://a\n", {"url": "http://a"}),
        ("url: http://a#b\n", {"url": "http://a#b"}),
        ("url: http://a   # why\n", {"url": "http://a"}),
        ("url: 'http://a # b'  # why\n", {"url": "http://a # b"}),
        ('url: "http://a"\r\ntoken: t\r\n', {"url": "http://a", "token": "t"}),
        ("url:\ntoken: ~\nmode: null\n", {}),
        ("monitor:\n\turl: http://a\n", {"url": "http://a"}),
        ("  url: http://a\n  token: t\n", {"url": "http://a", "token": "t"}),
        ("url: http://a\t# why\n", {"url": "http://a"}),
        ('url: ""\n', {}),
        ("monitor:   # ours\n  url: http://a\ntoken: t\n", {"url": "http://a", "token": "t"}),
    ],
)
def test_subset_of_yaml_is_understood(text: str, expected: dict[str, str]) -> None:
    assert parse_flat_yaml(text, KEYS) == (expected, [])


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("url: [a]", [1]),
        ("url: {a: b}", [1]),
        ("url: |\n  http://a", [1, 2]),
        ("url: &anchor http://a", [1]),
        ("url: 'it''s'", [1]),
        ('url: "a\\n"', [1]),
        ('url: "a" b', [1]),
        ("- url: http://a", [1]),
        ("{url: http://a}", [1]),
        ("url http://a", [1]),
        ("adress: http://a\nmode: backup", [1]),
        ("url: http://a\n  token: t", [2]),
        ("monitor:\n  deeper:\n    url: http://a\n  urls: b", [2, 4]),
    ],
)
def test_what_is_outside_the_subset_is_said(text: str, ignored: list[int]) -> None:
    _, said = parse_flat_yaml(text, KEYS)

    assert said == [f"line {number} is not understood and ignored" for number in ignored]


def test_block_of_a_foreign_key_is_skipped_with_it() -> None:
    text = "database:\n  url: sqlite:///a\n  token: x\nmonitor:\n  url: http://a\n"

    values, said = parse_flat_yaml(text, KEYS)

    assert values == {"url": "http://a"}
    assert said == ["line 1 is not understood and ignored"]
