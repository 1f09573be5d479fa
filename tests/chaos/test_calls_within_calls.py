"""Calls that interrupt calls: signal handlers, finalizers, trace functions and log handlers that
report, Ctrl-C on every line, and calls with no stack left. No deadlock, no exception, nothing lost."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import argus
from argus import JobContext, Reporter, emit
from argus.delivery import channel as channels
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from tests.chaos import figures, trainings
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

_OURS = os.path.dirname(os.path.abspath(str(argus.__file__)))
_has_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer signals here")


def call_everything(reporter: Reporter, job: JobContext, number: int) -> None:
    job.epoch(number)
    job.epoch("no number")  # a mistake: counted under a lock
    job.log("line")
    job.metrics({"m": number})
    emit("event", number=number)
    reporter.emit("event", number=number)
    with reporter.job("inner", model=3):  # type: ignore[arg-type]
        pass


@contextlib.contextmanager
def every_so_often(handler: Callable[[Any, Any], Any], interval_s: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, interval_s, interval_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@_has_timer
def test_signal_handlers_report_in_the_middle_of_reports(platform: StandIn, long: bool) -> None:
    calls = [0]

    def handler(*_: Any) -> None:
        calls[0] += 1
        emit("from a signal", number=calls[0])
        if calls[0] % 10 == 0:
            call_everything(r, j, calls[0])

    rounds = 20_000 if long else 1_000
    with every_so_often(handler, 0.000_5), quiet(batch_id="b") as r, r.job("j") as j:
        for number in range(rounds):
            call_everything(r, j, number)

    assert calls[0] > 10
    seen = {e["data"].get("number") for e in platform.events("log_line") if "number" in e["data"]}
    assert seen >= set(range(rounds))
    assert sum(e["data"]["line"] == "from a signal" for e in platform.events("log_line")) > 10
    assert trainings.types(platform).count("batch_done") == 1
    assert trainings.left() == []
    figures.count("calls within calls", calls[0])


def test_finalizers_report(platform: StandIn) -> None:
    class Reports:
        def __init__(self) -> None:
            self.me = self  # only the collector ends it, wherever that runs

        def __del__(self) -> None:
            call_everything(r, j, 0)

    thresholds = gc.get_threshold()
    gc.freeze()  # or each look through all that the tests have made takes long
    gc.set_threshold(1, 1, 1)
    try:
        with quiet(batch_id="b") as r, r.job("j") as j:
            for number in range(50):
                kept = Reports()
                weakref.finalize(kept, emit, "from a finalizer")
                del kept
                call_everything(r, j, number)
                gc.collect()
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()

    assert trainings.types(platform).count("batch_done") == 1
    lines = [event["data"]["line"] for event in platform.events("log_line")]
    assert lines.count("from a finalizer") > 0
    figures.count("calls within calls", lines.count("from a finalizer"))


def test_finalizer_that_closes_the_reporter_in_the_middle_of_a_heartbeat(platform: StandIn) -> None:
    with quiet(batch_id="b", heartbeat=60) as r:
        daemons = r._daemons
        assert daemons is not None
        closed = threading.Event()

        def heartbeat() -> None:
            with daemons._putting:  # as in the middle of a turn
                r.__exit__(None, None, None)
            closed.set()

        threading.Thread(target=heartbeat, daemon=True).start()
        assert closed.wait(trainings.LIMIT_S)
    assert trainings.types(platform) == ["batch_start", "batch_done"]


def test_block_is_left_in_time_though_a_turn_of_a_daemon_is_stuck(platform: StandIn) -> None:
    let_go, holding = threading.Event(), threading.Event()
    with quiet(batch_id="b", heartbeat=60) as r:
        daemons = r._daemons
        assert daemons is not None

        def stuck() -> None:
            with daemons._putting:
                holding.set()
                let_go.wait(trainings.LIMIT_S)

        thread = threading.Thread(target=stuck)
        thread.start()
        assert holding.wait(trainings.LIMIT_S)
    assert not let_go.is_set()
    let_go.set()
    thread.join()
    assert trainings.types(platform) == ["batch_start", "batch_done"]


def test_trace_functions_report_on_every_line(platform: StandIn) -> None:
    lines = [0]

    def trace(frame: Any, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        if event == "line":
            lines[0] += 1
            sys.settrace(None)
            emit("from a trace")
            sys.settrace(trace)
        return trace

    r = quiet(batch_id="b")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with r, r.job("j") as j:
            for number in range(3):
                call_everything(r, j, number)
    finally:
        sys.settrace(before)

    assert lines[0] > 100
    assert trainings.types(platform).count("batch_done") == 1
    figures.count("calls within calls", lines[0])


class Reports(logging.Handler):
    """A log handler that reports each record, wrongly, which is worth a record."""

    def __init__(self) -> None:
        super().__init__()
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        assert self.records < 10_000
        emit("job_epoch", epoch=object(), line=record.getMessage())
        for job in argus.current._active[-1]._jobs:
            job.epoch("no number")


def test_log_handlers_that_report_are_told_once(platform: StandIn) -> None:
    handler = Reports()
    logger = logging.getLogger("argus")
    logger.addHandler(handler)
    try:
        with quiet(batch_id="b") as outer, quiet(batch_id="c") as r, r.job("j") as j:
            for _ in range(100):
                j.epoch(object())
                outer.emit("job_epoch", epoch=object())
    finally:
        logger.removeHandler(handler)

    assert 0 < handler.records < 10
    assert trainings.types(platform, "c").count("batch_done") == 1


def test_log_handler_that_raises_is_met_once_for_each_reason(platform: StandIn) -> None:
    met = []

    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            met.append(record.getMessage())
            raise ValueError("the disk of the log is full")

    handler = Raises()
    logger = logging.getLogger("argus")
    logger.addHandler(handler)
    try:
        with quiet() as r, r.job("j") as j:
            for _ in range(100):
                j.epoch(object())
    finally:
        logger.removeHandler(handler)

    assert len(met) == 1


# Ctrl-C on every line


class CtrlC:
    """Raises KeyboardInterrupt on the n-th line of our package, and of what it waits with."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines = 0

    def __enter__(self) -> CtrlC:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: Any, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if not (name.startswith(_OURS) or name.endswith(("threading.py", "queue.py"))):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.line:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._trace


def test_latch_works_after_ctrl_c_on_any_line() -> None:
    line = 1
    while True:
        latch = Latch()
        with contextlib.suppress(KeyboardInterrupt), CtrlC(line) as ctrl_c:
            latch.wait(0.001)
            latch.set()
            latch.wait(0.001)
        setter = threading.Thread(target=latch.set, daemon=True)
        setter.start()
        assert latch.wait(trainings.LIMIT_S)
        setter.join(trainings.LIMIT_S)
        assert not setter.is_alive()
        if ctrl_c.lines < line:
            break
        line += 1
    assert line > 5


def test_ctrl_c_on_any_line_of_leaving_the_block_passes_and_loses_nothing(
    platform: StandIn, long: bool
) -> None:
    line, step = 1, 1 if long else 9
    while True:
        batch_id = f"b{line}"
        r = quiet(batch_id=batch_id)
        r.__enter__()
        r.emit("job_epoch", job_id=batch_id, epoch=0)
        interrupted = False
        with CtrlC(line) as ctrl_c:
            try:
                r.__exit__(None, None, None)
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            channels.close_all()  # as at the end of the process
            argus.current.deactivated(r)
        for channel in list(channels._open):
            assert channel.facts.batch_id != batch_id
        if ctrl_c.lines < line:
            assert not interrupted
            break
        assert interrupted, f"line {line}: Ctrl-C was swallowed"
        figures.count("lines with Ctrl-C on them")
        line += step

    trainings.deliver_what_is_left(platform)
    assert trainings.epochs(platform) == {f"b{n}": [0] for n in range(1, line + 1, step)}


# No stack left


def _at_the_end_of_the_stack(left: int, call: Callable[[], object]) -> bool:
    """Calls where `left` more calls would fit at most; whether one that does nothing did fit."""

    def nothing() -> None:
        pass

    def fits(count: int) -> None:
        if count:
            fits(count - 1)

    def descend() -> bool:
        try:
            fits(left)
        except RecursionError:
            try:
                nothing()
            except RecursionError:
                return False
            call()
            return True
        return descend()

    return descend()


@pytest.mark.parametrize(
    "name",
    ["epoch", "log", "metrics", "upload", "emit", "argus.emit", "stop", "enter", "exit", "stopped"],
)
def test_call_with_no_stack_left_does_not_raise(
    platform: StandIn, name: str, said: list[str]
) -> None:
    with quiet(batch_id="b") as r, r.job("j") as j:
        inner = r.job("inner")
        calls: dict[str, Callable[[], object]] = {
            "epoch": partial(j.epoch, "0"),  # no keywords: to pass them on takes a step itself
            "log": partial(j.log, "line"),
            "metrics": partial(j.metrics, {"a": [1]}),
            "upload": partial(j.upload, "none.png"),
            "emit": partial(r.emit, "event"),
            "argus.emit": partial(emit, "event"),
            "stop": r.stop,
            "stopped": partial(vars(JobContext)["stopped"].fget, j),
            "enter": inner.__enter__,
            "exit": partial(inner.__exit__, None, None, None),
        }
        tried = sum(_at_the_end_of_the_stack(left, calls[name]) for left in range(1, 30))
        assert tried > 20
    assert trainings.types(platform)[-1] == "batch_done"
    if name not in ("stop", "stopped"):
        assert any("failed inside and was left out: RecursionError" in text for text in said), said
    figures.count("calls with no stack left", tried)


def test_call_without_memory_is_told_later(said: list[str]) -> None:
    r = quiet()
    notices = Notices()
    notices.put_off = ("log", "MemoryError")
    r._notices = notices
    with r:
        assert said == []
    assert said == ["log() failed inside and was left out: MemoryError"]
