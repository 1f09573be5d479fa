"""What a run begins as: by the records of its job, and by the run directories where those fail."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from argus.core.settings import Settings
from argus.launch import records as room
from argus.launch.attempts import Attempts
from argus.launch.job import Job
from argus.launch.records import Beginning, Records, sidecar_facts
from argus.launch.resume import Seat
from argus.rundir import sidecar, writer
from tests.delivery.conftest import settings_for

SLURM = "slurm-7-ab"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(
        None, tmp_path / "state", ARGUS_MODE="backup", ARGUS_RUNS_DIR=str(tmp_path / "runs")
    )


class Starts:
    """Starts of one job, one after the other. Each is a process of its own, as far as is told."""

    def __init__(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str = SLURM
    ) -> None:
        self.settings = settings
        self._monkeypatch = monkeypatch
        self._name = name
        self.pid = 5_000_000  # above what a pid can be: a process that has ended

    def begin(self, restart: int | None, fresh: str, position: int = 1, **given: Any) -> Beginning:
        self.pid += 1
        identity = {**writer.identity(), "pid": self.pid}
        self._monkeypatch.setattr(writer, "identity", lambda: identity)
        job = Job(self._name, restart)
        records = Records(job, self.settings)
        seat = Seat("p", "train.py", "train.py", restart or 0, position, position)
        beginning = records.beginning(seat, fresh, given.get("is_given", False))
        directory = Path(self.settings.runs_dir or "") / f"{self.pid}" / beginning.attempt.batch_id
        directory.mkdir(parents=True)
        content: dict[str, Any] = {"project": "p", "status": "running"}
        launch = sidecar_facts(job, beginning.attempt)
        content.update(identity, launch=launch, attempt=beginning.attempt.number)
        content["batch_id"] = beginning.attempt.batch_id
        sidecar.write(directory, content, private=False)
        records.begin(beginning.attempt, directory)
        self.last = records, beginning.attempt
        return beginning

    @property
    def file(self) -> Path:
        return next((Path(self.settings.state_dir or "") / "attempts").glob("*.jsonl"))


@pytest.fixture
def job(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Starts:
    return Starts(settings, monkeypatch)


def told(beginning: Beginning) -> tuple[str, int, int, str | None]:
    attempt = beginning.attempt
    return attempt.batch_id, attempt.number, attempt.seat.position, beginning.note


def test_three_starts_of_a_job_are_three_attempts_at_one_batch(job: Starts):
    assert told(job.begin(0, "a")) == ("a", 1, 1, None)
    assert told(job.begin(1, "b")) == ("a", 2, 1, None)
    assert told(job.begin(2, "c")) == ("a", 3, 1, None)


def test_one_process_after_the_other_counts_on(job: Starts):
    assert told(job.begin(0, "a")) == ("a", 1, 1, None)
    assert told(job.begin(0, "b")) == ("b", 1, 2, None), "no run of the same start is continued"
    assert told(job.begin(1, "c")) == ("a", 2, 1, None)
    assert told(job.begin(1, "d")) == ("b", 2, 2, None)


def test_preempted_before_anything_was_written_is_a_fresh_run(job: Starts):
    assert told(job.begin(1, "a")) == ("a", 1, 1, None)


def test_a_batch_that_the_user_names_is_that_one(job: Starts):
    job.begin(0, "a")
    assert told(job.begin(1, "mine", is_given=True)) == ("mine", 1, 1, None)
    assert told(job.begin(2, "mine", is_given=True)) == ("mine", 2, 1, None)


@pytest.mark.parametrize("content", [b"", b'{"batch_id": "a", "att'])
def test_a_record_that_is_cut_short_is_recovered_from_the_run(job: Starts, content: bytes):
    job.begin(0, "a")
    job.file.write_bytes(content)
    assert told(job.begin(1, "b")) == ("a", 2, 1, None)


def test_records_that_are_gone_are_recovered_from_the_run(job: Starts):
    job.begin(0, "a")
    job.file.unlink()
    assert told(job.begin(1, "b")) == ("a", 2, 1, None)


def test_a_run_that_was_moved_is_found_again(job: Starts):
    job.begin(0, "a")
    runs = Path(job.settings.runs_dir or "")
    (runs / str(job.pid)).rename(runs / "elsewhere")
    assert told(job.begin(1, "b")) == ("a", 2, 1, None)


def test_a_run_whose_directory_is_gone_is_begun_anew_with_a_word(job: Starts):
    job.begin(0, "a")
    shutil.rmtree(job.settings.runs_dir or "")
    assert told(job.begin(1, "b")) == ("b", 1, 1, "its directory is gone")


def test_a_record_that_nothing_recovers_is_begun_anew_with_a_word(job: Starts):
    job.begin(0, "a")
    job.file.write_bytes(b"{")
    shutil.rmtree(job.settings.runs_dir or "")
    assert told(job.begin(1, "b")) == ("b", 1, 1, "the record of it cannot be read")


def test_where_two_runs_could_be_meant_none_is_taken(job: Starts):
    for fresh in ("a", "b"):
        job.begin(0, fresh)
        job.file.unlink()  # so that both believe to be the first
    assert told(job.begin(1, "c")) == ("c", 1, 1, "more than one earlier run could be meant")


def test_runs_side_by_side_are_marked(job: Starts, monkeypatch: pytest.MonkeyPatch):
    assert not job.begin(0, "a").attempt.overlaps
    monkeypatch.setattr(writer, "lives", lambda _: True)
    assert job.begin(0, "b").attempt.overlaps


def test_what_is_sent_and_removed_was_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = settings_for("http://127.0.0.1:9", tmp_path / "state")
    settings.runs_dir = None
    job = Starts(settings, monkeypatch)
    monkeypatch.chdir(tmp_path)  # where the helper keeps its directory: none that is kept
    job.begin(0, "a")
    shutil.rmtree(tmp_path / str(job.pid))
    assert told(job.begin(1, "b")) == ("a", 2, 1, None)


def test_a_command_that_has_crashed_is_continued_until_it_is_done(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    command = Starts(settings, monkeypatch, "auto-ab")
    assert told(command.begin(None, "a"))[:2] == ("a", 1)
    assert told(command.begin(None, "b"))[:2] == ("a", 2)
    records, attempt = command.last
    records.end(attempt, "failed")
    assert told(command.begin(None, "c"))[:2] == ("a", 3)
    records, attempt = command.last
    records.end(attempt, "done")
    assert told(command.begin(None, "d"))[:2] == ("d", 1)


def test_of_two_that_look_for_it_together_one_continues_what_has_crashed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    Starts(settings, monkeypatch, "auto-ab").begin(None, "a")
    monkeypatch.undo()
    found = []
    for fresh in ("b", "c"):  # neither has begun to report
        seat = Seat("p", "train.py", "train.py", 0, 1, 1)
        found.append(Records(Job("auto-ab", None), settings).beginning(seat, fresh, False))
    assert [told(beginning)[:2] for beginning in found] == [("a", 2), ("c", 1)]


def test_whoever_looks_waits_for_another_who_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    command = Starts(settings, monkeypatch, "auto-ab")
    command.begin(None, "a")
    monkeypatch.setattr(room, "_LIMIT_S", 0.0)
    with Attempts(Path(settings.state_dir or ""), "auto-ab").alone(0.0), pytest.raises(OSError):
        command.begin(None, "b")
    assert told(command.begin(None, "b"))[:2] == ("a", 2)


def test_a_command_that_is_still_running_is_not_continued(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    command = Starts(settings, monkeypatch, "auto-ab")
    command.begin(None, "a")
    monkeypatch.setattr(writer, "lives", lambda _: True)
    assert told(command.begin(None, "b"))[:2] == ("b", 1)
