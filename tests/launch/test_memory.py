"""What is remembered of a job, and what becomes of it where the disk does not play along."""

from __future__ import annotations

from pathlib import Path

import pytest

from argus.delivery.channel import RunFacts
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from argus.launch import attempts, records, wanted
from argus.launch.job import Job
from argus.launch.memory import Memory, may_continue
from tests.delivery.conftest import settings_for
from tests.launch.test_place import PLAIN


@pytest.fixture(autouse=True)
def _first_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "_numbers", {})


def memory(state: Path, restart: int | None = 0, fresh_id: str = "fresh") -> Memory:
    return Memory(Job("slurm-7", restart), PLAIN, fresh_id, settings_for(None, state), Notices())


def begin(run: Memory, batch_id: str) -> tuple[RunFacts, dict[str, object]]:
    facts = RunFacts(batch_id, "p", None)
    run.prepare(facts)
    return facts, run.begun(None)


def test_who_may_have_begun_before():
    assert not may_continue(None)
    assert not may_continue(Job("slurm-7", 0))
    assert may_continue(Job("slurm-7", 1))
    assert may_continue(Job("auto-1", None))


def test_an_attempt_is_on_record_before_its_first_event_is_written_down(tmp_path: Path):
    facts, told = begin(memory(tmp_path), "fresh")
    assert told == {"attempt": 1, "restart_count": 0}
    assert facts.attempt == 1
    assert (facts.launch["job"], facts.launch["position"]) == ("slurm-7", 1)

    wanted._numbers.clear()  # as in the process of the next start
    again = memory(tmp_path, restart=1, fresh_id="other")
    assert again.look_up(Latch()).batch_id == "fresh"
    facts, told = begin(again, "fresh")
    assert told == {"attempt": 2, "restart_count": 1}
    assert facts.attempt == 2


def test_what_is_found_too_late_is_not_what_was_begun(tmp_path: Path):
    begin(memory(tmp_path), "fresh")
    wanted._numbers.clear()
    late = memory(tmp_path, restart=1, fresh_id="other")
    assert late.otherwise("no answer within 5 s").batch_id == "other"
    facts, told = begin(late, "other")
    assert told == {"attempt": 1, "restart_count": 1}
    assert facts.attempt == 1


def test_without_a_place_for_records_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def nowhere(_: object) -> Path:
        raise PermissionError("no")

    monkeypatch.setattr(records, "state_dir", nowhere)
    run = memory(tmp_path)
    facts, told = begin(run, "fresh")
    run.ended("done")
    assert (facts.attempt, told) == (1, {})
    with pytest.raises(PermissionError):
        run.look_up(Latch())


def test_a_record_that_cannot_be_written_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attempts.Attempts, "_append", full)
    run = memory(tmp_path)
    _, told = begin(run, "fresh")
    run.ended("done")
    assert told == {"attempt": 1, "restart_count": 0}
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "this attempt cannot be written down ([Errno 28] No space left on device): "
        "a requeue will not know it"
    ]
