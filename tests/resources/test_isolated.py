from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from argus.resources.isolated import Isolated
from argus.resources.watched import Clocks, Watched
from tests.resources.fake_driver import FakeDriver, _built, driver

__all__ = ["_built", "driver"]

CLOCKS = Clocks(time.monotonic, time.thread_time)
SOON_S, LONG_S = 0.02, 60.0


class Gate:
    """A probe that does not come back until it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.let_go = threading.Event()
        self.entered = 0
        self.threads: list[int] = []

    def read(self, now: float) -> dict[str, float]:
        self.entered += 1
        self.threads.append(threading.get_ident())
        self.let_go.wait(LONG_S)
        return {"at": now}


@pytest.fixture
def gate(request) -> Iterator[Gate]:
    made = Gate(request.node.name)
    yield made
    made.let_go.set()


class Wall:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_probe_runs_in_a_thread_of_its_own(gate):
    gate.let_go.set()
    answer = Isolated(gate, CLOCKS, LONG_S).ask(7.0)
    assert (answer.values, answer.error) == ({"at": 7.0}, None)
    assert gate.threads != [threading.get_ident()]


def test_its_cpu_time_is_that_of_its_own_thread():
    class Busy:
        name = "busy"

        def read(self, now: float) -> dict[str, float]:
            until = time.thread_time() + 0.05
            while time.thread_time() < until:
                pass
            return {}

    before = time.thread_time()
    assert Isolated(Busy(), CLOCKS, LONG_S).ask(0.0).cpu_s >= 0.05
    assert time.thread_time() - before < 0.05


def test_an_error_is_passed_on(gate):
    gate.let_go = None  # what is read then fails
    answer = Isolated(gate, CLOCKS, LONG_S).ask(0.0)
    assert isinstance(answer.error, AttributeError)
    gate.let_go = threading.Event()


def test_one_that_hangs_is_waited_for_briefly_and_asked_once(gate):
    source = Isolated(gate, CLOCKS, SOON_S)
    answers = [source.ask(now) for now in (0.0, 1.0, 2.0)]
    assert [(answer.values, answer.error) for answer in answers] == [(None, None)] * 3
    assert answers[0].wall_s < answers[1].wall_s < answers[2].wall_s
    assert gate.entered == 1


def test_what_comes_late_is_dropped_and_asked_for_anew(gate):
    wall = Wall()
    source = Isolated(gate, Clocks(wall, time.thread_time), SOON_S)
    assert source.ask(0.0).values is None
    gate.let_go.set()
    source._patience_s = LONG_S
    assert source.ask(30.0).values == {"at": 30.0}
    assert gate.entered == 2


def test_one_that_hangs_too_long_is_given_up(gate):
    wall, told = Wall(), []  # type: ignore[var-annotated]
    probe = Watched(Isolated(gate, Clocks(wall, time.thread_time), SOON_S), told.append)
    assert probe.read(0.0) == {}
    assert not probe.is_off
    wall.now = 10.5
    assert probe.read(10.5) == {}
    assert probe.is_off
    assert len(told) == 1
    assert "10.5 s" in told[0]


def test_runs_one_after_the_other_do_not_pile_up_hanging_threads(gate):
    answers = [Isolated(gate, CLOCKS, SOON_S).ask(0.0) for _ in range(6)]
    assert [answer.error is None for answer in answers] == [True] * 4 + [False] * 2
    assert "4 earlier reads have not come back" in str(answers[-1].error)
    assert gate.entered == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_what_hangs_in_the_parent_does_not_count_in_a_forked_child(gate):
    for _ in range(4):
        Isolated(gate, CLOCKS, SOON_S).ask(0.0)
    child = os.fork()
    if child == 0:
        status = 3
        try:
            gate.let_go = threading.Event()
            gate.let_go.set()
            answer = Isolated(gate, CLOCKS, LONG_S).ask(5.0)
            status = 0 if answer.values == {"at": 5.0} else 4
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_where_no_thread_can_be_had_the_read_fails(gate, monkeypatch):
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    answers = [Isolated(gate, CLOCKS, LONG_S).ask(0.0) for _ in range(6)]
    assert {str(answer.error) for answer in answers} == {"can't start new thread"}


@pytest.mark.skipif(sys.platform != "linux", reason="the fake driver is a Linux library")
def test_a_driver_that_hangs_ends_its_probe_and_no_thread_waits_for_it(driver: FakeDriver):
    from argus.resources.nvidia import NvidiaGpus

    wall, told = Wall(), []  # type: ignore[var-annotated]
    probe = NvidiaGpus([driver.library], {}, "/proc", set)
    source = Isolated(probe, Clocks(wall, time.thread_time), LONG_S)
    watched = Watched(source, told.append)
    assert watched.read(0.0)["gpu_util_pct"] == 70.0
    driver.set(hanging=1)
    source._patience_s = SOON_S
    assert watched.read(30.0) == {}
    wall.now = 60.0
    assert watched.read(60.0) == {}
    assert (watched.is_off, len(told)) == (True, 1)
