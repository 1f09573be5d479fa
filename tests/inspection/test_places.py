"""Places on disk, with what dead runs have left there."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from argus.core.settings import Settings, resolve
from argus.inspection import places
from argus.inspection.finding import FAIL, OK, WARN, Finding
from argus.inspection.places import disk_findings, leftover_findings, state_findings

URL = "http://platform.example:8000"
as_a_user = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere"
)


def settings(**environ: str) -> Settings:
    return resolve(URL, None, {f"ARGUS_{name}": value for name, value in environ.items()}, None)


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def left(state: Path, name: str, size: int, delivered: int, url: str = URL, age_s: float = 3600.0):
    """What a dead run has left."""
    run = state / "spill" / name
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"url": url}), "utf-8")
    (run / "events.jsonl").write_bytes(b"x" * size)
    (run / "delivered").write_text(str(delivered), "utf-8")
    then = time.time() - age_s
    os.utime(run / "events.jsonl", (then, then))
    return run


def test_a_fresh_state_directory_is_made_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    (state,) = state_findings([tmp_path / "state"])
    assert state.mark == OK
    assert state.text.startswith(str(tmp_path / "state"))
    assert [path.name for path in (tmp_path / "state").rglob("*")] == ["spill"]


def test_one_that_cannot_be_used_is_told_with_the_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    problem, state = state_findings([tmp_path / "file" / "state", tmp_path / "other"])
    assert problem.mark == WARN
    assert f"{tmp_path / 'other'} is used instead" in problem.text
    assert "ARGUS_STATE_DIR" in (problem.advice or "")
    assert state.text.startswith(str(tmp_path / "other"))


def test_without_any_place_a_run_reports_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (state,) = state_findings([tmp_path / "file" / "state"])
    assert state.mark == WARN
    assert "memory" in state.text


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(places, "_has_locks", lambda directory: False)
    assert [finding.name for finding in state_findings([tmp_path])] == ["state", "locks"]


def test_little_space_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(places, "_free_bytes", lambda place: 5_000_000)
    (state,) = state_findings([tmp_path])
    assert state.mark == WARN
    assert "5.0 MB free" in state.text


def test_leftovers_are_counted_by_what_is_not_delivered(tmp_path: Path) -> None:
    left(tmp_path, "a", 1_000, 400, age_s=7200)
    left(tmp_path, "b", 1_500, 0, url="http://other", age_s=10_000)
    left(tmp_path, "done", 100, 100)
    left(tmp_path, "alive", 900, 0, age_s=1)
    (tmp_path / "spill" / "empty").mkdir()
    (tmp_path / "spill" / "file").touch()
    (one,) = leftover_findings([tmp_path, tmp_path / "missing"], settings(), time.time())
    assert one.mark == WARN
    assert one.text == (
        "2 undelivered runs, 2.1 kB, the oldest of 3 h ago; 1 for another platform than this one"
    )
    assert one.facts is not None
    assert (one.facts["runs"], one.facts["bytes"]) == (2, 2_100)


def test_dead_letters_are_told(tmp_path: Path) -> None:
    (left(tmp_path, "a", 10, 10) / "rejected.jsonl").write_bytes(b"{}\n")
    refused, none = leftover_findings([tmp_path], settings(), time.time())
    assert (refused.name, refused.mark, none.text) == ("refused", WARN, "none")
    assert "1 run with events" in refused.text


def test_a_runs_directory_is_looked_at_and_not_made(tmp_path: Path) -> None:
    environ = {"RUNS_DIR": str(tmp_path / "runs" / "deep"), "STATE_DIR": str(tmp_path / "state")}
    found = by_name(list(disk_findings(settings(**environ), time.time())))
    assert (found["runs"].mark, found["leftovers"].text) == (OK, "none")
    assert found["runs"].text.endswith("not there yet")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("mode", "mark"), [("online", WARN), ("backup", FAIL)])
def test_a_runs_directory_that_cannot_be_is_told(tmp_path: Path, mode: str, mark: str) -> None:
    (tmp_path / "file").touch()
    environ = {"RUNS_DIR": str(tmp_path / "file" / "runs"), "STATE_DIR": str(tmp_path / "state")}
    found = by_name(list(disk_findings(settings(MODE=mode, **environ), time.time())))
    assert found["runs"].mark == mark
    assert "no directory" in found["runs"].text


@as_a_user
def test_a_runs_directory_that_is_read_only_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    environ = {"RUNS_DIR": str(tmp_path / "locked" / "runs"), "STATE_DIR": str(tmp_path / "state")}
    found = by_name(list(disk_findings(settings(**environ), time.time())))
    assert "read-only" in found["runs"].text


def test_where_nothing_is_written_nothing_is_made(tmp_path: Path) -> None:
    environ = {"STATE_DIR": str(tmp_path / "state"), "DISABLE": "1"}
    assert [one.mark for one in disk_findings(settings(**environ), time.time())] == [OK]
    assert not (tmp_path / "state").exists()
