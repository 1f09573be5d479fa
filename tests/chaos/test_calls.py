"""Hostile values in every argument of every public call, by the hundred thousand."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from argus.core import contract
from tests.chaos import figures
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.fuzz import Fuzz
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

SHORT, LONG = 2_000, 200_000
CALLS_AT_ONCE = 200
SLOWEST_S = 0.5  # of the caller's own thread; 0.05 is what it should be on a machine of one's own
MOST_LINES = 12  # of each Reporter, whatever it was given
LONGEST_LINE = 600


def test_no_call_raises_and_every_event_arrives_and_is_valid(
    platform: StandIn, long: bool, caplog: pytest.LogCaptureFixture
) -> None:
    fuzz = Fuzz(seed=time.time_ns() if long else 1)
    while fuzz.calls < (LONG if long else SHORT):
        caplog.clear()
        platform.reset()
        expected = fuzz.events
        reporter = fuzz.batch(CALLS_AT_ONCE)
        expected = fuzz.events - expected
        assert reporter._notices.counts == {}, "something was dropped"
        assert reporter._notices.unsaid == 0
        assert_bounded(caplog)
        stats = platform.stats()
        assert (stats["events"], stats["rejected"]) == (expected, 0)
        assert set(stats["statuses"]) == {"200"}
        for event in platform.events():
            assert contract.envelope_error(event) is None
            assert contract.data_error(event["event_type"], event["data"]) is None

    assert fuzz.longest_s < SLOWEST_S, fuzz.longest
    assert files_below(Path("state")) == []
    figures.count("calls with hostile values", fuzz.calls)
    figures.count("events of them delivered and found valid", fuzz.events)


def assert_bounded(caplog: pytest.LogCaptureFixture) -> None:
    lines = [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"]
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines), default=0) <= LONGEST_LINE
    assert not any("failed inside" in line for line in lines)


def test_mapping_that_another_thread_changes_arrives_as_values(platform: StandIn) -> None:
    given = {f"key-{number}": number for number in range(2_000)}
    always = dict(given)
    is_over = threading.Event()

    def change() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            if number % 100 < 50:  # it grows for a while, then shrinks
                given[f"more-{number % 50}"] = number
            else:
                given.pop(f"more-{number % 50}", None)

    thread = threading.Thread(target=change)
    interval = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-5)  # so that the threads take turns within a call
        with quiet() as r, r.job("j") as j:
            thread.start()
            for number in range(40):
                j.epoch(number, given=given)
                j.metrics(given)
    finally:
        sys.setswitchinterval(interval)
        is_over.set()
        thread.join()

    taken = [event["data"]["given"] for event in platform.events("job_epoch")]
    taken += [event["data"]["metrics"] for event in platform.events("job_done")]
    assert len(taken) == 41
    assert all(values.items() >= always.items() for values in taken)
    figures.count("mappings changed during a call", len(taken))


def test_metrics_that_grow_without_end_do_not_take_the_end_of_the_job_along(
    platform: StandIn, said: list[str]
) -> None:
    with quiet() as r:
        with r.job("many") as j:
            for number in range(30):
                j.metrics({f"{number}-{key}": key for key in range(1_000)})
            j.metrics({"0-0": "the latest"})
        with r.job("large") as j:
            for number in range(4):
                j.metrics({f"list-{number}": [0.5] * 15_000})

    many, large = [event["data"]["metrics"] for event in platform.events("job_done")]
    assert len(many) == 20_000
    assert many["0-0"] == "the latest"
    assert len(large["list-0"]) == 15_000
    assert large["..."] == "<more values than one event may hold>"
    assert said == ["metrics() was given more than one event may hold"]
