"""Handlers of signals, in this process: who is called, who is told, what stands there afterwards."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from argus.launch import signals
from argus.launch.signals import Handler, preemption_signals, unwatch, watch

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

TERM = (signal.SIGTERM,)


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def notice(self, name: str) -> None:
        self.heard.append(name)

    def leave(self) -> None:
        raise AssertionError("nobody dies here")


@pytest.fixture(autouse=True)
def _handlers_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR2)}
    yield
    signals._watchers.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


def raised(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["SIGTERM"]),
        ({"SLURM_JOB_ID": "1"}, ["SIGTERM"]),
        ({"SUBMITIT_EXECUTOR": "slurm"}, ["SIGTERM", "SIGUSR2"]),
        ({"SUBMITIT_EXECUTOR": "local", "SUBMITIT_PREEMPT_SIGNAL": "USR1"}, ["SIGTERM", "SIGUSR1"]),
        ({"SUBMITIT_PREEMPT_SIGNAL": "USR1"}, ["SIGTERM"]),
        ({"SUBMITIT_EXECUTOR": "slurm", "SUBMITIT_PREEMPT_SIGNAL": "KILL"}, ["SIGTERM"]),
        ({"SUBMITIT_EXECUTOR": "slurm", "SUBMITIT_PREEMPT_SIGNAL": "CONT"}, ["SIGTERM"]),
        ({"SUBMITIT_EXECUTOR": "slurm", "SUBMITIT_PREEMPT_SIGNAL": "_DFL"}, ["SIGTERM"]),
        ({"SUBMITIT_EXECUTOR": "slurm", "SUBMITIT_PREEMPT_SIGNAL": "TERM"}, ["SIGTERM"]),
    ],
)
def test_which_signals_mean_preemption(environ: dict[str, str], expected: list[str]) -> None:
    assert [signal.Signals(number).name for number in preemption_signals(environ)] == expected


def test_a_handler_of_python_is_called_as_before_and_put_back() -> None:
    calls: list[Any] = []

    def theirs(*given: Any) -> None:
        calls.append(given)

    signal.signal(signal.SIGTERM, theirs)
    listener = Listener()
    assert watch(listener, TERM) is None
    raised()
    [(signum, frame)] = calls
    assert (signum, frame.f_code.co_name) == (signal.SIGTERM, "raised")
    assert listener.heard == ["SIGTERM"]
    unwatch(listener)
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listener = Listener()
    watch(listener, TERM)
    raised()
    unwatch(listener)
    raised()
    assert listener.heard == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_a_handler_that_raises_ends_what_it_interrupts() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    listener = Listener()
    watch(listener, TERM)
    with pytest.raises(SystemExit, match="143"):
        raised()
    assert listener.heard == ["SIGTERM"]


def test_one_that_comes_later_and_calls_ours_does_not_die_of_it() -> None:
    """As Lightning composes the handlers that it finds: with the default action there would have
    been nobody to call."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    listener, calls = Listener(), []
    watch(listener, TERM)
    ours = signal.getsignal(signal.SIGTERM)
    assert callable(ours)

    def theirs(signum: int, frame: Any) -> None:
        calls.append(signum)
        ours(signum, frame)

    signal.signal(signal.SIGTERM, theirs)
    raised()
    assert (calls, listener.heard) == ([signal.SIGTERM], ["SIGTERM"])
    unwatch(listener)
    assert signal.getsignal(signal.SIGTERM) is theirs
    raised()
    assert (calls, listener.heard) == ([signal.SIGTERM] * 2, ["SIGTERM"])


def test_one_that_comes_later_and_calls_nobody_is_not_fought_with() -> None:
    calls: list[int] = []
    listener = Listener()
    watch(listener, TERM)
    signal.signal(signal.SIGTERM, lambda signum, _: calls.append(signum))
    raised()
    assert (calls, listener.heard) == ([signal.SIGTERM], [])


def test_two_that_watch_share_one_handler_until_the_last_has_gone() -> None:
    calls: list[int] = []

    def theirs(signum: int, _: Any) -> None:
        calls.append(signum)

    signal.signal(signal.SIGTERM, theirs)
    outer, inner = Listener(), Listener()
    watch(outer, TERM)
    watch(inner, TERM)
    raised()
    unwatch(outer)  # in whatever order
    assert isinstance(signal.getsignal(signal.SIGTERM), Handler)
    raised()
    unwatch(inner)
    assert (outer.heard, inner.heard) == (["SIGTERM"], ["SIGTERM"] * 2)
    assert calls == [signal.SIGTERM] * 2
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_one_that_watches_above_a_wrapped_one_is_told_and_all_are_called_once() -> None:
    calls: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: calls.append("first"))
    outer, inner = Listener(), Listener()
    watch(outer, TERM)
    below: Any = signal.getsignal(signal.SIGTERM)

    def theirs(signum: int, frame: Any) -> None:
        calls.append("theirs")
        below(signum, frame)

    signal.signal(signal.SIGTERM, theirs)
    watch(inner, TERM)
    raised()
    assert calls == ["theirs", "first"]
    assert set(outer.heard) == set(inner.heard) == {"SIGTERM"}
    unwatch(inner)
    unwatch(outer)
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_in_another_thread_nothing_is_installed() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(watch(Listener(), TERM)))
    thread.start()
    thread.join()
    assert "main thread" in said[0]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_dies_of_it_as_ever() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    listener = Listener()
    watch(listener, TERM)
    child = os.fork()
    if child == 0:
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            raised()
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
    assert listener.heard == []
    assert isinstance(signal.getsignal(signal.SIGTERM), Handler)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_in_a_child_a_wrapped_handler_passes_through() -> None:
    calls: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _: calls.append(signum))
    listener = Listener()
    watch(listener, TERM)
    ours: Any = signal.getsignal(signal.SIGTERM)

    def theirs(*given: Any) -> None:
        ours(*given)

    signal.signal(signal.SIGTERM, theirs)
    child = os.fork()
    if child == 0:
        signals._watchers.append(listener)
        raised()
        os._exit(0 if (calls, listener.heard) == ([signal.SIGTERM], []) else 1)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 0


def test_a_recursion_that_is_too_deep_to_note_it_still_has_the_other_called() -> None:
    class Full(Listener):
        def notice(self, name: str) -> None:
            raise RecursionError

    calls: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, _: calls.append(signum))
    listener = Listener()
    watch(Full(), TERM)
    watch(listener, TERM)
    raised()
    assert (calls, listener.heard) == ([signal.SIGTERM], ["SIGTERM"])
