"""Wall clocks that jump, stand still or show nonsense: no deadline minds, every timestamp is valid."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from argus.core import contract
from tests.chaos.disks import epochs_of, once
from tests.chaos.figures import count
from tests.environment import clean_environment, files_below, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

DAY_S = 86_400.0
JUMPS = [0.0, DAY_S, -DAY_S, 0.0, -2 * DAY_S, 400 * DAY_S]
NONSENSE = [-1.0, -1e18, 1e12, 1e300, 0.0, 253_402_300_799.999]
real_time = time.time


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[float]], None]:
    """Sets what `time.time` says from now on, to each caller the next."""

    def set_(readings: Iterator[float]) -> None:
        guard = threading.Lock()

        def read() -> float:
            with guard:
                return next(readings)

        monkeypatch.setattr(time, "time", read)

    return set_


def jumping() -> Iterator[float]:
    for jump in cycle(JUMPS):
        yield real_time() + jump


@pytest.mark.parametrize("clock", ["jumping", "nonsense"])
def test_every_event_arrives_in_time_with_a_valid_timestamp(
    platform: StandIn,
    wall: Callable[[Iterator[float]], None],
    said: list[str],
    clock: str,
    long: bool,
) -> None:
    epochs = 20_000 if long else 1_000
    # One 429 and one 503 on the way: their waits are not those of the wall clock either.
    if clock == "jumping":
        platform.mode("status:429", "status:503", times=1, retry_after="0")
    wall(jumping() if clock == "jumping" else cycle(NONSENSE))
    started = time.monotonic()

    with quiet(heartbeat=0.05, stop_polling=0.05, resource_snapshot=0.05) as r, r.job("j") as j:
        for epoch in range(epochs):
            j.epoch(epoch)
        platform.wait_for(epochs, timeout=30.0)
        left_at = time.monotonic()
    assert time.monotonic() - left_at < 5.0
    assert time.monotonic() - started < 60.0

    assert epochs_of(platform) == list(range(epochs))
    assert [contract.envelope_error(event) for event in platform.events()] == [None] * len(
        platform.events()
    )
    done = platform.events("job_done")[0]["data"]
    assert 0.0 <= done["elapsed_s"] < 60.0
    assert platform.stats()["rejected"] == 0
    assert said == []
    assert files_below(Path("state")) == []
    count("clocks read", epochs)


@pytest.mark.parametrize("reading", [*NONSENSE, DAY_S, real_time() + 40 * DAY_S])
def test_run_is_described_and_recovered_whatever_the_clock_says(
    platform: StandIn, wall: Callable[[Iterator[float]], None], reading: float
) -> None:
    platform.mode("close")
    wall(cycle([reading]))
    with quiet() as r:
        pass
    first = r.batch_id
    (run,) = Path("state/spill").iterdir()
    content = json.loads((run / "run.json").read_text("utf-8"))
    for name in ("created_at", "ended_at"):
        assert contract.envelope_error({**_event(), "timestamp": content[name]}) is None

    platform.mode("ok")
    with quiet() as r:
        once(lambda: not run.exists(), "what was left, delivered")
    assert {event["batch_id"] for event in platform.events()} == {first, r.batch_id}


def _event() -> dict[str, object]:
    return {
        "event_id": "550e8400-e29b-41d4-a716-446655440000",
        "schema_version": "1.1",
        "event_type": "batch_start",
        "timestamp": "",
        "batch_id": "b",
        "job_id": None,
        "source": {"project": "p"},
        "data": {},
    }
