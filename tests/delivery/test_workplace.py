from __future__ import annotations

import json
import logging
import os
import shutil
import time
from pathlib import Path

import pytest

from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices
from argus.delivery.workplace import (
    BEAT_S,
    LOOK_S,
    TRY_AGAIN_S,
    Workplace,
    new_run,
    state_dir,
)
from argus.rundir.media import DELIVERED, PENDING, Artifact
from argus.rundir.run import RunDirectory
from tests.delivery.conftest import NOWHERE, settings_for


def test_a_run_that_is_not_kept_has_a_directory_of_its_own(state: Path):
    settings = settings_for(NOWHERE, state)
    first, second = (new_run("b", settings, state_dir(settings)) for _ in range(2))
    assert first.path != second.path
    assert first.path.parent == second.path.parent == state / "spill"
    assert first.path.name.split(".")[0] == "b"
    first.release()
    second.release()


def test_two_kept_runs_of_one_batch_in_one_second_do_not_share_a_directory(
    state: Path, tmp_path: Path
):
    settings = settings_for(NOWHERE, state, ARGUS_RUNS_DIR=str(tmp_path / "runs"))
    runs = [new_run("b", settings, None) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    for run in runs:
        run.release()


def test_without_any_place_there_is_no_run(state: Path):
    with pytest.raises(OSError, match="no place"):
        new_run("b", settings_for(NOWHERE, state), None)


def test_a_state_directory_that_cannot_be_used_is_replaced_by_a_private_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    occupied = tmp_path / "file"
    occupied.touch()
    place = state_dir(settings_for(NOWHERE, occupied / "state"))
    assert place.parent == tmp_path
    assert place.stat().st_mode & 0o777 == 0o700


def test_the_sidecar_says_what_the_run_is_and_how_it_ended(state: Path):
    settings = settings_for(NOWHERE, state)
    channel = Channel(RunFacts("b", "p", "forecast"), settings, Notices())
    work = Workplace(channel)
    assert work.run is not None
    sidecar = work.run.path / "run.json"
    running = json.loads(sidecar.read_text("utf-8"))
    assert (running["status"], running["ended_at"], running["pid"]) == (
        "running",
        None,
        os.getpid(),
    )
    work.run.journal.append([b"{}"])
    channel.notices.dropped("rejected", 2)
    work.leave("failed", is_delivered=False)
    ended = json.loads(sidecar.read_text("utf-8"))
    assert (ended["status"], ended["dropped"]) == ("failed", {"rejected": 2})
    assert ended["created_at"] == running["created_at"] <= ended["ended_at"]


def channel_on(state: Path, **environ: str) -> Channel:
    return Channel(RunFacts("b", "p", None), settings_for(NOWHERE, state, **environ), Notices())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_sidecar_that_cannot_be_written_is_written_later(state: Path, monkeypatch, caplog):
    def refuse(self: RunDirectory, content: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "describe", refuse)
        work = Workplace(channel_on(state))
    assert work.run is not None
    assert not work.run.is_described
    work.tick(time.monotonic() + TRY_AGAIN_S)
    assert json.loads((work.run.path / "run.json").read_text("utf-8"))["status"] == "running"
    assert len(said(caplog)) == 1
    work.leave("done", is_delivered=True)


def test_the_sidecar_counts_what_is_dropped_while_the_run_goes_on(state: Path):
    channel = channel_on(state)
    work = Workplace(channel)
    assert work.run is not None
    sidecar = work.run.path / "run.json"
    before = sidecar.stat().st_mtime_ns
    work.tick(time.monotonic() + BEAT_S)
    assert sidecar.stat().st_mtime_ns == before, "nothing has changed"
    channel.notices.dropped("buffer_full", 7)
    channel.notices.mistake("a mistake")
    channel.uploaded = 3
    work.tick(time.monotonic() + 2 * BEAT_S + 1)
    content = json.loads(sidecar.read_text("utf-8"))
    assert (content["dropped"], content["mistakes"], content["uploaded"]) == (
        {"buffer_full": 7},
        1,
        3,
    )
    sidecar.unlink()  # as what cleans a temporary directory does
    work.tick(time.monotonic() + 4 * BEAT_S)
    assert json.loads(sidecar.read_text("utf-8")) == content
    work.leave("done", is_delivered=True)


@pytest.mark.parametrize("kept", [False, True])
def test_a_directory_that_is_removed_is_made_again_with_what_is_in_it(
    state: Path, tmp_path: Path, kept: bool, caplog
):
    work = Workplace(channel_on(state, **({"ARGUS_RUNS_DIR": str(tmp_path)} if kept else {})))
    assert work.run is not None
    first = work.run.path
    work.run.journal.append([b"{}", b"[]"])
    work.run.journal.move(3)
    artifact = Artifact("/a.png", 1, "b", "j", None)
    work.run.media.note(artifact, PENDING)
    work.run.media.note(artifact._replace(size=2), PENDING)
    work.run.media.note(artifact._replace(size=2), DELIVERED)
    shutil.rmtree(first.parent)
    work.tick(time.monotonic() + LOOK_S)

    again = work.run.path
    assert (again / "events.jsonl").read_bytes() == (b"{}\n[]\n" if kept else b"[]\n")
    assert work.run.media.pending() == [artifact]
    assert json.loads((again / "run.json").read_text("utf-8"))["batch_id"] == "b"
    assert len(said(caplog)) == 1
    assert str(again) in said(caplog)[0]
    assert RunDirectory.recover(again, kept) is None, "it is held"
    work.leave("done", is_delivered=False)
    assert (again / "events.jsonl").exists()


def test_where_no_other_directory_can_be_had_it_is_tried_again(
    state: Path, tmp_path: Path, monkeypatch, caplog
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    (tmp_path / "nowhere").touch()
    work = Workplace(channel_on(state))
    assert work.run is not None
    work.run.journal.append([b"{}"])
    shutil.rmtree(state)
    state.touch()
    now = time.monotonic() + LOOK_S
    work.tick(now)
    assert work.is_homeless
    work.disk_trouble(FileNotFoundError("delivered"))
    state.unlink()
    work.tick(now + TRY_AGAIN_S)
    assert not work.is_homeless
    assert (work.run.path / "events.jsonl").read_bytes() == b"{}\n"
    assert len(said(caplog)) == 1
    work.leave("done", is_delivered=True)
    assert list((state / "spill").iterdir()) == []


@pytest.mark.parametrize("wall", [float("nan"), float("inf"), -1e18, 1e18, -0.0])
def test_a_clock_that_is_broken_names_some_valid_time(
    state: Path, tmp_path: Path, monkeypatch, wall: float
):
    monkeypatch.setattr(time, "time", lambda: wall)
    work = Workplace(channel_on(state, ARGUS_RUNS_DIR=str(tmp_path / "runs")))
    assert work.run is not None
    created = json.loads((work.run.path / "run.json").read_text("utf-8"))["created_at"]
    assert created in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    work.leave("done", is_delivered=False)
