"""What the runs of a job are remembered by."""

from __future__ import annotations

from pathlib import Path

import pytest

from argus.launch.job import same_command, script, slurm_job, submitit_job


def name(**environ: str) -> str:
    job = slurm_job({"SLURM_JOB_ID": "7", **environ})
    assert job is not None
    return job.name


def test_outside_slurm_there_is_no_job():
    assert slurm_job({}) is None
    assert slurm_job({"SLURM_JOB_ID": " ", "SLURM_RESTART_COUNT": "1"}) is None


@pytest.mark.parametrize(("count", "told"), [("", 0), ("2", 2), ("two", 0), ("-1", 0)])
def test_how_often_it_was_started_again(count: str, told: int):
    job = slurm_job({"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": count})
    assert job is not None
    assert job.restart_count == told


def test_no_two_jobs_are_taken_for_one():
    names = [
        name(),
        name(SLURM_JOB_ID="8"),
        name(SLURM_ARRAY_TASK_ID="1"),
        name(SLURM_ARRAY_TASK_ID="2"),
        name(SLURM_HET_JOB_OFFSET="1"),
        name(SLURM_CLUSTER_NAME="other"),
    ]
    assert len(set(names)) == len(names)
    assert name(SLURM_RESTART_COUNT="1") == name(), "the same job, started again"


def test_a_command_is_the_same_where_all_of_it_is():
    facts = ("p", "forecast", ["train.py", "--lr", "1"], "/home")
    others = [
        ("q", "forecast", ["train.py", "--lr", "1"], "/home"),
        ("p", None, ["train.py", "--lr", "1"], "/home"),
        ("p", "forecast", ["train.py", "--lr", "2"], "/home"),
        ("p", "forecast", ["train.py", "--lr", "1"], "/tmp"),
    ]
    names = {same_command(*other).name for other in [facts, facts, *others]}
    assert len(names) == 5
    assert same_command(*facts).restart_count is None


def test_a_job_of_submitit_is_known_by_the_process_that_starts_it():
    assert submitit_job(None) is None
    assert submitit_job("boot/1/10") != submitit_job("boot/1/11")


def test_a_script_is_the_same_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert script(["train.py", "--lr"]) == str(tmp_path / "train.py")
    assert script(["/home/train.py"]) == "/home/train.py"
    assert [script(argv) for argv in ([], ["-c"], [""])] == ["", "-c", ""]
