"""The word of rank 0, and what others hear of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from argus.launch import handover
from argus.launch.handover import Handover, Word, is_of_now

WORD = Word("run-1", "boot-1", 100.0, "1")


def test_what_is_said_is_heard(tmp_path: Path):
    one, other = Handover(tmp_path, "launch", "1"), Handover(tmp_path, "launch", "1")
    assert other.heard() is None
    one.say(WORD)
    assert other.heard() == WORD
    one.say(WORD._replace(beat="2"))
    assert other.heard() == WORD._replace(beat="2")
    assert stat.S_IMODE(os.stat(one.directory).st_mode) == 0o700


def test_another_launch_or_another_position_hears_nothing(tmp_path: Path):
    Handover(tmp_path, "launch", "1").say(WORD)
    assert Handover(tmp_path, "launch", "2").heard() is None
    assert Handover(tmp_path, "other", "1").heard() is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"batch_id": 5, "said_at": 1}', b'{"batch_id": "", "said_at": 1}',
                b'{"batch_id": "b", "said_at": "now"}', b"\xff" * 100_000,
                b'{"batch_id": "b", "said_at": 1%s}' % (b"0" * 400),
                b'{"batch_id": "%s", "said_at": 1.0}' % (b"b" * 129)]
)  # fmt: skip
def test_what_is_no_word_is_not_heard(tmp_path: Path, content: bytes):
    one = Handover(tmp_path, "launch", "1")
    one.say(WORD)
    (one.directory / "batch-1.json").write_bytes(content)
    assert one.heard() is None


def test_a_stop_is_heard_by_that_batch_alone(tmp_path: Path):
    one = Handover(tmp_path, "launch", "1")
    assert not one.hears_stop("a/b")
    one.say_stop("a/b")
    one.say_stop("a/b")
    assert one.hears_stop("a/b")
    assert not one.hears_stop("a_b")


@pytest.mark.parametrize(
    ("now", "boot_id", "began_at", "counts"),
    [
        (WORD, "boot-1", 99.0, True),  # said after the reader had begun, by the same clock
        (WORD, "boot-1", 101.0, False),  # it may be of an earlier launch
        (WORD, "boot-2", 99.0, False),  # on another machine: nobody knows
        (WORD, None, 99.0, False),
        (WORD._replace(boot_id=None), None, 99.0, False),
        (WORD._replace(beat="2"), "boot-2", 101.0, True),  # said again, while it was looked at
    ],
)
def test_a_word_of_an_earlier_launch_does_not_count(now, boot_id, began_at, counts):
    assert is_of_now(now, WORD, boot_id, began_at) is counts


def test_old_words_are_removed(tmp_path: Path):
    handover.sweep(tmp_path, 1e9)  # nothing there yet
    old, new = Handover(tmp_path, "old", "1"), Handover(tmp_path, "new", "1")
    old.say(WORD)
    new.say(WORD)
    now = os.stat(new.directory).st_mtime
    long_ago = now - handover.KEEP_S - 1
    os.utime(old.directory, (long_ago, long_ago))
    handover.sweep(tmp_path, now)
    assert (old.heard(), new.heard()) == (None, WORD)
