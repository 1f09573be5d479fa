"""A process that lives long: what it holds and what a call costs are the same in the end."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from argus import Reporter
from tests.chaos import figures, trainings
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


def _settled_threads(limit: int) -> int:
    """The number of threads, once those that are about to end have."""
    for thread in threading.enumerate():
        if thread.name.startswith("argus-") and threading.active_count() > limit:
            thread.join(trainings.LIMIT_S)
    return threading.active_count()


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


def test_many_reporters_one_after_another_leave_nothing_behind(
    platform: StandIn, long: bool
) -> None:
    def train(number: int) -> None:
        with Reporter(batch_id=f"b{number}") as r, r.job("j") as j:
            j.epoch(number)

    def objects() -> int:
        gc.collect()
        modules = [type(one).__module__ for one in gc.get_objects()]
        # Of hostile values that other tests have left, not even that is a text.
        return sum(type(name) is str and name.startswith("argus.") for name in modules)

    for number in range(5):
        train(number)
    threads = _settled_threads(1)
    before = threads, _descriptors(), objects()
    count = 1_000 if long else 25
    for number in range(5, 5 + count):
        train(number)
    after = _settled_threads(threads), _descriptors(), objects()

    assert after[0] <= before[0]
    assert after[1] <= before[1] + 2
    assert after[2] <= before[2] + 20
    assert trainings.epochs(platform) == {"j": list(range(5 + count))}
    assert trainings.left() == []
    figures.count("reporters one after another", count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_long_run_at_a_steady_rate_costs_the_same_to_its_end(platform: StandIn, long: bool) -> None:
    events, burst = (5_000_000, 1_000) if long else (50_000, 1_000)
    costs: list[float] = []
    memory: list[float] = []
    pause = threading.Event()
    waiting = 0
    with quiet(batch_id="b") as r, r.job("j") as j:
        channel = r._channel
        assert channel is not None
        for first in range(0, events, burst):
            began = time.thread_time()
            for number in range(first, first + burst):
                j.epoch(number, train_loss=0.5, val_loss=0.6)
            costs.append((time.thread_time() - began) / burst)
            memory.append(_resident_mb())
            while len(channel.buffer) > 5_000:  # as fast as it goes, but no faster
                pause.wait(0.005)
            if first % 50_000 == 0:  # nor faster than the platform takes them
                platform.wait_for(max(first - 50_000, 0), timeout=600.0)
            waiting = max(waiting, len(channel.buffer))
        r.stop()
    assert r._notices.counts == {}
    part = max(len(costs) // 5, 1)
    first_us, last_us = (statistics.median(one) * 1e6 for one in (costs[:part], costs[-part:]))
    assert last_us < 3 * first_us + 2
    assert max(memory) < memory[len(memory) // 5] + 64
    stats = platform.stats()
    assert stats["events"] == events + 4
    figures.count("events of one long run", events)


def test_memory_of_the_package_does_not_grow_with_what_it_reports(platform: StandIn) -> None:
    def report(r: Reporter, name: str) -> None:
        with r.job(name) as j:
            for number in range(200):
                j.epoch(number, train_loss=0.5)
                j.epoch("no number")
                r.emit("event", value=[number])

    with quiet(batch_id="b") as r:
        report(r, "warm-up")
        platform.wait_for(lambda p: p.events("job_done"))
        tracemalloc.start()
        try:
            for number in range(3):
                report(r, f"j{number}")
            platform.wait_for(lambda p: len(p.events("job_done")) == 4)
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for number in range(3, 9):
                report(r, f"j{number}")
            platform.wait_for(lambda p: len(p.events("job_done")) == 10)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown < 300_000
