"""One run of a Reporter through a fault of the platform, and the three questions about it."""

from __future__ import annotations

import contextlib
import logging
import math
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from argus.transport.address import EVENTS_PATH
from tests.chaos import figures
from tests.environment import quiet
from tests.platform.peers import Proxy, StandIn

EXIT_S = 0.1  # what the runs of these tests are given to leave their block
# Faults last for ever, a request for 15 s and the system's resolver for 30: a call that waits for
# one of them takes longer than this, and none that does not, on a busy machine either.
HELD_UP_S = 4.0
EPOCHS = 150


class Ear(logging.Handler):
    """Hears what Reporters say, debug messages too."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.put(record.getMessage())

    def hears(self, words: str) -> None:
        """Waits until something with these words is said. queue.Empty where it is not."""
        until = time.monotonic() + 10.0
        while words not in self._messages.get(timeout=max(until - time.monotonic(), 0.001)):
            pass


@contextlib.contextmanager
def listening() -> Iterator[Ear]:
    """Says what Reporters say within the block."""
    ear, logger = Ear(), logging.getLogger("argus")
    before = logger.level
    logger.addHandler(ear)
    logger.setLevel(logging.DEBUG)
    yield ear
    logger.setLevel(before)
    logger.removeHandler(ear)


class World:
    """What a fault can change: the platform, a proxy, names, and the environment."""

    def __init__(
        self, platform: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, ear: Ear
    ) -> None:
        self.ear = ear
        self.platform = platform
        self.proxy = proxy
        self.monkeypatch = monkeypatch
        self.at(platform.url)

    def at(self, url: str) -> None:
        """Where the runs believe the platform to be."""
        self.monkeypatch.setenv("ARGUS_URL", url)

    def setenv(self, name: str, value: str) -> None:
        self.monkeypatch.setenv(name, value)


Act = Callable[[World], Any]


def nothing(world: World) -> None:
    """Nothing to do."""


def well(world: World) -> None:
    world.platform.mode("ok")


def felt(world: World) -> None:
    """The run has noticed that nothing gets through."""
    world.ear.hears("not delivered to")


def asked(world: World) -> None:
    """The platform was connected to; what comes of it, the run may notice at its end only."""
    world.platform.wait_for(connections=1)


class Fault(NamedTuple):
    """`begin` brings it about, `met` waits until the run has come upon it, `end` ends it. Of the
    events whose epoch is `poisoned`, the platform takes none, ever."""

    name: str
    begin: Act
    end: Act = well
    met: Act = felt
    poisoned: frozenset[int] = frozenset()


class Run(NamedTuple):
    """What a run has told, and how long its caller was held up."""

    batch_id: str
    epochs: int
    longest_call_s: float
    exit_s: float


def play(world: World, fault: Fault, epochs: int = EPOCHS) -> Run:
    """A whole run while the fault lasts."""
    world.setenv("ARGUS_EXIT_TIMEOUT", str(EXIT_S))
    fault.begin(world)
    watch, leaving = Stopwatch(), Stopwatch()
    r = watch.call(quiet, "run")
    try:
        watch.call(r.__enter__)
        j = watch.call(r.job, "j1")
        watch.call(j.__enter__)
        for epoch in range(epochs):
            if epoch == epochs // 2:
                fault.met(world)
            extra = {"poison": True} if epoch in fault.poisoned else {}
            watch.call(j.epoch, epoch, train_loss=1 / (epoch + 1), val_loss=math.nan, **extra)
        watch.call(j.__exit__, None, None, None)
    finally:
        leaving.call(r.__exit__, None, None, None)
    figures.count("faults played")
    figures.count("events reported", epochs + 4)
    return Run(r.batch_id, epochs, watch.longest_s, leaving.longest_s)


class Stopwatch:
    """The longest of the calls made through it."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        result = function(*args, **kwargs)
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        return result


def end(world: World, fault: Fault) -> None:
    """End the fault, and have the next Reporters deliver what is left."""
    fault.end(world)
    world.setenv("ARGUS_EXIT_TIMEOUT", "5")
    until = time.monotonic() + 30.0
    while undelivered():
        assert time.monotonic() < until, [path.name for path in undelivered()]
        with quiet("after"):
            pass


def undelivered() -> list[Path]:
    """The runs that wait to be delivered."""
    runs = Path("state/spill").glob("*")
    return [run for run in runs if _delivered_bytes(run) < _size(run / "events.jsonl")]


def _delivered_bytes(run: Path) -> int:
    try:
        return int((run / "delivered").read_text("utf-8"))
    except (OSError, ValueError):
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # the run was delivered, and is gone
        return 0


def answer_the_three_questions(world: World, fault: Fault, run: Run) -> None:
    """Was the caller held up, was the exit bounded, is everything there afterwards?"""
    assert run.longest_call_s < HELD_UP_S
    assert run.exit_s < HELD_UP_S
    assert_whole(world.platform, run, fault.poisoned)
    assert_by_contract(world.platform)


def assert_whole(platform: StandIn, run: Run, poisoned: frozenset[int] = frozenset()) -> None:
    """Each event of the run is there, once and in order; refused ones are kept apart."""
    events = [event for event in platform.events() if event["batch_id"] == run.batch_id]
    epochs = [event["data"]["epoch"] for event in events if event["event_type"] == "job_epoch"]
    expected = [epoch for epoch in range(run.epochs) if epoch not in poisoned]
    assert sorted(epochs) == expected
    kinds = Counter(event["event_type"] for event in events)
    del kinds["job_epoch"]
    assert kinds == Counter(("batch_start", "job_start", "job_done", "batch_done"))
    letters = b"".join(path.read_bytes() for path in Path("state").rglob("rejected.jsonl"))
    assert letters.count(b"\n") == len(poisoned)
    figures.count("events delivered", len(events))


def assert_by_contract(platform: StandIn) -> None:
    """Every body of a POST that was read is valid JSON, with 1 to 500 events."""
    for request in platform.requests(EVENTS_PATH):
        if request["events"] is not None:  # else it was not read to its end
            assert 1 <= request["events"] <= 500, request
    figures.count("requests answered or not", len(platform.requests()))
