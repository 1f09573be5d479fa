"""A question that is answered once, whatever happens to whoever looks for the answer."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from argus.launch.search import Search


def otherwise(reason: str) -> str:
    return f"otherwise: {reason}"


def test_what_is_found_is_the_answer():
    search: Search[str] = Search(lambda _: "found", otherwise, 30.0)
    assert search.answer is None
    assert search.wait() == "found"
    assert search.answer == "found"


def test_what_takes_too_long_is_answered_otherwise_and_stays_so():
    may_end, has_ended = threading.Event(), threading.Event()

    def find(leaving: Any) -> str:
        assert leaving.wait(30.0), "it is told that nobody waits any more"
        may_end.wait(30.0)
        has_ended.set()
        return "too late"

    search: Search[str] = Search(find, otherwise, 0.01)
    answer = search.wait()
    may_end.set()
    assert has_ended.wait(30.0)
    assert answer == search.wait() == search.answer == "otherwise: no answer within 0.01 s"


@pytest.mark.parametrize("outcome", [None, OSError("no")])
def test_what_is_not_found_is_answered_otherwise(outcome: OSError | None):
    def find(_: Any) -> str | None:
        if outcome is not None:
            raise outcome
        return None

    assert Search(find, otherwise, 30.0).wait().startswith("otherwise: ")


def test_without_a_thread_nobody_waits(monkeypatch: pytest.MonkeyPatch):
    class Thread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", Thread)
    assert Search(lambda _: "found", otherwise, 30.0).wait() == "otherwise: can't start new thread"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_looks_for_itself():
    parents = os.getpid()
    begun, may_end = threading.Event(), threading.Event()

    def find(_: Any) -> str:
        if os.getpid() == parents:
            begun.set()
            may_end.wait(30.0)
        return "found"

    search: Search[str] = Search(find, otherwise, 30.0)
    search.start()
    assert begun.wait(30.0)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if search.wait() == "found" else 1)
    assert os.waitpid(pid, 0)[1] == 0
    may_end.set()
    assert search.wait() == "found"
