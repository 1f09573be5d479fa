"""Faults of a platform that begin and end while the run goes on: in its block everything arrives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from argus.core import batching
from argus.core import delivery as backoff_owner
from argus.delivery import shipment as timeout_owner
from tests.chaos import figures
from tests.chaos.outage import assert_by_contract
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses and timeouts in hundredths of seconds, so that an hour of trouble takes seconds."""
    monkeypatch.setattr(backoff_owner, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(backoff_owner, "MAX_RETRY_S", 0.05)
    monkeypatch.setattr(backoff_owner, "PROBE_S", 0.05)
    monkeypatch.setattr(batching, "_FIRST_LINGER_S", 0.05)
    monkeypatch.setattr(batching, "_MAX_LINGER_S", 0.2)
    monkeypatch.setattr(timeout_owner, "REQUEST_TIMEOUT_S", 0.3)  # restored in the end


PASSING = [
    *("mute", "hang", "close", "reset_request", "reset_reply", "drip:1", "stored_but_no_answer"),
    *("store_500", "close_each", "garbage", "wrong_length", "endless_headers", "endless_body"),
    *("chunked", "informational", "endless_informational", "status:101", "status:500"),
    *("status:503", "status:429", "html", "status:204", "status:401", "status:403", "status:404"),
    *("early_413", "internal:1", "missing_results", "foreign_results"),
    *("redirect:{path}", "redirect_loop", "redirect:http://127.0.0.1:9/"),
]


class Stretch:
    """A Reporter's block in which faults come and go."""

    def __init__(self, platform: StandIn) -> None:
        self.platform = platform
        self.reporter = quiet("run")
        self.told = 0
        self.jobs = 0

    def __enter__(self) -> Stretch:
        timeout_owner.REQUEST_TIMEOUT_S = 0.3
        self.reporter.__enter__()
        self.platform.wait_for(1)
        return self

    def __exit__(self, *failure: Any) -> None:
        self.reporter.__exit__(*failure)

    def job(self, epochs: int) -> None:
        """One job, whose beginning and end do not linger."""
        with self.reporter.job(f"j{self.told}") as j:
            for _ in range(epochs):
                j.epoch(self.told, val_loss=float("-inf"))
                self.told += 1
        self.jobs += 1

    def arrives(self) -> None:
        """All of it, before the block is left."""
        self.platform.wait_for(1 + 2 * self.jobs + self.told, timeout=60.0)

    def calms_down(self) -> None:
        """An answer that was still to come when the fault ended is waited for, and forgotten. From
        now on requests have all the time that they have in earnest."""
        self.platform.mode("ok")
        timeout_owner.REQUEST_TIMEOUT_S = 15.0
        self.job(epochs=1)
        self.arrives()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", PASSING)
def test_fault_that_passes_leaves_nothing_to_be_done_at_the_exit(
    platform: StandIn, said: list[str], fault: str, long: bool
) -> None:
    with Stretch(platform) as stretch:
        for times in range(1, 11 if long else 3):
            platform.mode(fault, times=times)
            stretch.job(epochs=20)
            stretch.arrives()
            figures.count("faults played")
        stretch.calms_down()

    assert_all_there(platform, stretch.told)
    assert len(said) <= 1  # where a person could have helped
    assert list(Path("state/spill").iterdir()) == []


@pytest.mark.usefixtures("impatient")
def test_any_sequence_of_faults_loses_nothing(platform: StandIn, long: bool) -> None:
    for seed in range(300 if long else 3):
        chance = random.Random(seed)
        sequence = chance.choices(PASSING, k=chance.randrange(1, 12))
        with Stretch(platform) as stretch:
            platform.mode(*sequence, times=chance.randrange(1, 3))
            for _ in range(chance.randrange(1, 5)):
                stretch.job(epochs=chance.randrange(200))
                if chance.random() < 0.1:
                    platform.restart()  # what was to come is forgotten, what came is not
            stretch.arrives()
            stretch.calms_down()

        assert_all_there(platform, stretch.told)
        assert list(Path("state/spill").iterdir()) == [], (seed, sequence)
        figures.count("faults played", len(sequence))
        figures.count("sequences of faults")
        platform.reset()


def assert_all_there(platform: StandIn, epochs: int) -> None:
    arrived = [event["data"]["epoch"] for event in platform.events("job_epoch")]
    assert sorted(arrived) == list(range(epochs))
    starts, ends = platform.events("job_start"), platform.events("job_done")
    # An event that the platform could not store at once comes after its neighbours.
    assert sorted(e["job_id"] for e in starts) == sorted(e["job_id"] for e in ends)
    assert len(platform.events("batch_start")) == len(platform.events("batch_done")) == 1
    assert_by_contract(platform)
    figures.count("events delivered", len(platform.events()))
