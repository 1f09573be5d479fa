"""What is dropped is counted by reason, and what was reported is what arrived and what was dropped."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argus import Reporter
from argus.delivery import buffer, workplace
from argus.rundir.journal import Journal
from tests.chaos import figures
from tests.environment import clean_environment, platform, quiet, said
from tests.platform.peers import StandIn

__all__ = ["clean_environment", "platform", "said"]

REPORTED = 1_500


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the run directories stay, to be looked at."""
    monkeypatch.setenv("ARGUS_RUNS_DIR", "kept")
    return Path("kept")


def run_json(runs: Path) -> dict[str, Any]:
    (path,) = runs.glob("*/*/b/run.json")
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def last_data(platform: StandIn) -> dict[str, Any]:
    data: dict[str, Any] = platform.events()[-1]["data"]
    return data


def until_dropped(platform: StandIn, reporter: Reporter, **counts: int) -> None:
    """Wait, by way of heartbeats, until the platform has been told these counts."""
    platform.wait_for(
        lambda p: any(event["data"].get("dropped") == counts for event in p.events("log_line"))
    )
    assert reporter._notices.counts == counts


class Disk:
    """One that can be told to hang."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.is_waited_for = threading.Event()
        append = Journal.append

        def appended(journal: Journal, lines: list[bytes]) -> None:
            if not self.answers.is_set():
                self.is_waited_for.set()
                assert self.answers.wait(60)
            append(journal, lines)

        monkeypatch.setattr(Journal, "append", appended)

    @contextmanager
    def hanging(self, reporter: Reporter) -> Iterator[None]:
        """Within, the sender waits for the disk, with nothing but one event in its hands."""
        self.answers.clear()
        reporter.emit("job_start", job_id="in its hands")
        assert self.is_waited_for.wait(60)
        try:
            yield
        finally:
            self.answers.set()


def test_what_the_buffer_cannot_hold_while_a_disk_hangs_is_counted(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str], kept: Path
) -> None:
    monkeypatch.setattr(buffer, "CAPACITY", 1_000)
    monkeypatch.setattr(buffer, "_HIGH_WATER", 500)
    disk = Disk(monkeypatch)
    with quiet(batch_id="b", heartbeat=0.05) as r, r.job("j") as j:
        platform.wait_for(2)
        with disk.hanging(r):
            r._daemons.stop()  # type: ignore[union-attr]  # a heartbeat takes a place, too
            waiting = len(r._channel.buffer)  # type: ignore[union-attr]
            for number in range(REPORTED):
                j.epoch(number)
            dropped = r._notices.counts["buffer_full"]

    delivered = platform.events("job_epoch")
    assert [event["data"]["epoch"] for event in delivered] == list(range(len(delivered)))
    assert len(delivered) + dropped == REPORTED
    assert len(delivered) == 1_000 - waiting
    assert last_data(platform)["dropped"] == {"buffer_full": dropped}
    assert run_json(kept)["dropped"] == {"buffer_full": dropped}
    assert said == ["events are being dropped: they come faster than they can be written down"]
    assert len(platform.events("job_done")) == len(platform.events("batch_done")) == 1
    figures.count("events dropped, and accounted for", dropped)


def test_what_a_full_file_cannot_hold_is_counted(
    platform: StandIn, monkeypatch: pytest.MonkeyPatch, said: list[str], kept: Path
) -> None:
    monkeypatch.setattr(workplace, "_MAX_KEPT_BYTES", 50_000)
    with quiet(batch_id="b") as r, r.job("j") as j:
        for number in range(REPORTED):
            j.epoch(number)

    delivered = platform.events("job_epoch")
    dropped = last_data(platform)["dropped"]["journal_full"]
    assert [event["data"]["epoch"] for event in delivered] == list(range(len(delivered)))
    assert len(delivered) + dropped == REPORTED
    assert 0 < dropped < REPORTED
    assert run_json(kept)["dropped"] == {"journal_full": dropped}
    assert len(said) == 1
    assert "greatest size" in said[0]
    assert len(platform.events("job_done")) == len(platform.events("batch_done")) == 1
    figures.count("events dropped, and accounted for", dropped)


def broken() -> dict[str, Any]:
    raise MemoryError


def test_what_cannot_be_encoded_is_counted(platform: StandIn, said: list[str], kept: Path) -> None:
    Path("a.png").write_bytes(b"x")
    r = quiet(batch_id="b", heartbeat=0.05)
    with pytest.raises(SystemExit), r, r.job("j") as j:
        for number in range(10):
            j.epoch(number)
            r._put("job_epoch", "j", broken)
        until_dropped(platform, r, invalid=10)
        assert j.upload("a.png") == 1
        raise SystemExit(3)

    assert [event["data"]["epoch"] for event in platform.events("job_epoch")] == list(range(10))
    (failed,) = platform.events("batch_failed")
    told = {name: failed["data"][name] for name in ("dropped", "uploaded", "exit_code", "error")}
    assert told == {
        "dropped": {"invalid": 10},
        "uploaded": 1,
        "exit_code": 3,
        "error": "SystemExit: 3",
    }
    assert run_json(kept)["dropped"] == {"invalid": 10}
    assert said == ["events are being dropped: an event could not be encoded"]
    figures.count("events dropped, and accounted for", 10)


def test_what_the_platform_refuses_is_counted(
    platform: StandIn, said: list[str], kept: Path
) -> None:
    platform.mode("reject_poison")
    with quiet(batch_id="b", heartbeat=0.05) as r, r.job("j") as j:
        for number in range(100):
            if number % 10 == 7:
                j.epoch(number, poison=1)
            else:
                j.epoch(number)
        until_dropped(platform, r, rejected=10)

    expected = [number for number in range(100) if number % 10 != 7]
    assert [event["data"]["epoch"] for event in platform.events("job_epoch")] == expected
    assert last_data(platform)["dropped"] == {"rejected": 10}
    assert run_json(kept)["dropped"] == {"rejected": 10}
    (letters,) = kept.glob("*/*/b/rejected.jsonl")
    refused = [json.loads(line) for line in letters.read_bytes().splitlines()]
    assert [letter["event"]["data"]["epoch"] for letter in refused] == list(range(7, 100, 10))
    assert len(said) == 1
    assert "rejected.jsonl" in said[0]
    figures.count("events dropped, and accounted for", 10)
