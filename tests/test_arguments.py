from __future__ import annotations

from pathlib import Path

import pytest

from argus.arguments import command_words, given_text, path_text, settings_file


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, None),
        ("python train.py", "python train.py"),
        (["train.py", "--lr", 0.1], ["train.py", "--lr", "0.1"]),
        (("train.py",), ["train.py"]),
        (7, "7"),
    ],
)
def test_a_command_is_a_text_or_the_words_of_an_argv(given, words):
    assert command_words(given) == words


def test_an_argument_that_says_nothing_is_empty():
    assert [given_text(value) for value in (None, "", "a", 0)] == ["", "", "a", "0"]
    assert given_text("abcdef", 3).startswith("abc")


def test_the_settings_file_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert settings_file() is None
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "monitor.yaml").write_bytes(b"url: http://a\xff")
    assert settings_file() == "url: http://a\ufffd"


def test_path_is_absolute_and_what_no_system_takes_is_none(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert path_text(b"a.png") == str(tmp_path / "a.png")
    for given in ("", b"", "x" * 20_000, b"x" * 20_000, 7, None, object()):
        assert path_text(given) is None
