"""The records of a job on disk: lines that are only ever added."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from argus.launch import attempts
from argus.launch.attempts import Attempts, is_by_this_process, is_running
from argus.launch.resume import Attempt, Seat
from argus.rundir import writer

SEAT = Seat("p", "train.py", "train.py", 0, 1, 1)


def attempt(batch_id: str, **other: Any) -> Attempt:
    return Attempt(batch_id, 1, SEAT, None, writer.identity(), False, None)._replace(**other)


def file_of(state: Path) -> Path:
    (path,) = (state / "attempts").iterdir()
    return path


def test_what_is_written_down_is_read_again(tmp_path: Path):
    records = Attempts(tmp_path, "slurm-7_1")
    assert records.read() == ([], True)
    records.add(attempt("a", directory="/runs/a", overlaps=True))
    records.add(attempt("b"))
    records.end(attempt("b"), "failed")

    (a, b), is_whole = Attempts(tmp_path, "slurm-7_1").read()
    assert is_whole
    assert a._replace(process={}) == attempt("a", directory="/runs/a", overlaps=True, process={})
    assert b._replace(process={}) == attempt("b", process={}, ended="failed")
    assert Attempts(tmp_path, "slurm-7_2").read() == ([], True)
    assert stat.S_IMODE(os.stat(file_of(tmp_path)).st_mode) == 0o600


@pytest.mark.parametrize("cut", [1, 30, None])
def test_a_record_that_is_cut_short_takes_no_other_with_it(tmp_path: Path, cut: int | None):
    records = Attempts(tmp_path, "job")
    records.add(attempt("a"))
    path = file_of(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + (b"\0" * 100 if cut is None else whole[:cut]))
    records.add(attempt("c"))

    found, is_whole = records.read()
    assert ([told.batch_id for told in found], is_whole) == (["a", "c"], False)


def test_an_empty_file_is_none_that_could_be_read(tmp_path: Path):
    records = Attempts(tmp_path, "job")
    records.add(attempt("a"))
    file_of(tmp_path).write_bytes(b"")
    assert records.read() == ([], False)
    file_of(tmp_path).unlink()
    file_of_directory = tmp_path / "attempts" / "job.jsonl"
    file_of_directory.mkdir()
    assert records.read() == ([], False)


def test_who_made_it_and_whether_it_still_does():
    own = attempt("a")
    assert is_by_this_process(own)
    assert is_running(own) is (None if writer.boot_id() is None else True)
    assert is_running(attempt("a", ended="done")) is False
    elsewhere = attempt("a", process={**writer.identity(), "host": "node-9"})
    assert not is_by_this_process(elsewhere)
    assert is_running(elsewhere) is None


def test_old_records_are_removed(tmp_path: Path):
    attempts.sweep(tmp_path, 1e9)  # nothing there yet
    for name in ("old", "new"):
        Attempts(tmp_path, name).add(attempt(name))
    now = os.stat(tmp_path / "attempts/new.jsonl").st_mtime
    long_ago = now - attempts.KEEP_S - 1
    os.utime(tmp_path / "attempts/old.jsonl", (long_ago, long_ago))
    attempts.sweep(tmp_path, now)
    assert [path.name for path in (tmp_path / "attempts").iterdir()] == ["new.jsonl"]
