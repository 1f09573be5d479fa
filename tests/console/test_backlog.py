"""What is printed waits in bounded memory; what does not fit is counted."""

from __future__ import annotations

import threading

import pytest

from argus.console import backlog
from argus.console.backlog import Backlog


def test_pieces_come_out_as_they_went_in():
    waiting = Backlog()
    for text in ("a", "b"):
        waiting.put((0, text), text)
    assert len(waiting) == 2
    assert waiting.take() == [(0, "a"), (0, "b")]
    assert waiting.take() == []


@pytest.mark.parametrize(("name", "most"), [("MAX_PIECES", 3), ("MAX_CHARS", 6)])
def test_what_does_not_fit_is_counted_in_lines(
    name: str, most: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(backlog, name, most)
    waiting = Backlog()
    for text in ("1\n", "2\n", "3\n", "4\n5\n", "no end"):
        waiting.put(text, text)
    waiting.put(b"6\n", b"6\n")
    assert waiting.take() == ["1\n", "2\n", "3\n"]
    assert waiting.take_lost() == 3
    assert waiting.take_lost() == 0
    waiting.put("7\n", "7\n")
    assert waiting.take() == ["7\n"]


def test_the_first_piece_ends_a_rest():
    waiting = Backlog()
    awake = threading.Event()

    def rest() -> None:
        waiting.wait(60, at_rest=True)
        awake.set()

    thread = threading.Thread(target=rest)
    thread.start()
    waiting.put("x", "x")
    assert awake.wait(30)
    thread.join()


def test_a_wake_up_that_comes_before_the_wait_is_not_lost():
    waiting = Backlog()
    waiting.wake()
    waiting.wake()
    waiting.wait(60, at_rest=False)
    assert len(waiting) == 0
