"""Hostile values in every argument of every public call, by the hundred thousand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from argus.core import contract
from tests.chaos import figures
from tests.environment import clean_environment, files_below, platform, said
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
