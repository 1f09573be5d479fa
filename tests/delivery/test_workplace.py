from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from argus.delivery.channel import Channel, RunFacts
from argus.delivery.notices import Notices
from argus.delivery.workplace import Workplace, new_run, state_dir
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
    channel.notices.dropped("rejected", 2)
    work.leave("failed", is_delivered=False)
    ended = json.loads(sidecar.read_text("utf-8"))
    assert (ended["status"], ended["dropped"]) == ("failed", {"rejected": 2})
    assert ended["created_at"] == running["created_at"] <= ended["ended_at"]


def test_a_run_whose_sidecar_cannot_be_written_is_let_go(state: Path, monkeypatch):
    def refuse(self: RunDirectory, content: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunDirectory, "describe", refuse)
    work = Workplace(Channel(RunFacts("b", "p", None), settings_for(NOWHERE, state), Notices()))
    assert work.run is None
    (left,) = (state / "spill").iterdir()
    run = RunDirectory.recover(left, kept=False)
    assert run is not None, "nobody holds it"
    run.release()
