"""All parts of an `env_snapshot` together: valid by the contract, and without secrets."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from argus.core import contract, flatten, values
from argus.launch import machine, packages, snapshot
from argus.launch.pace import Pace
from argus.launch.snapshot import chosen, parts, uncommitted
from tests.launch.repositories import git, needs_git, own_git, repository

__all__ = ["own_git"]


def gathered(
    *directories: Path, complaints: list[str] | None = None, **environ: str
) -> dict[str, Any]:
    said: list[str] = [] if complaints is None else complaints
    data: dict[str, Any] = {}
    for fields in parts(
        [str(directory) for directory in directories],
        [str(directory) for directory in directories],
        {**os.environ, **environ},
        Path("/nowhere"),
        Pace(threading.Event(), 60.0),
        said.append,
    ):
        data.update(fields)
    assert contract.data_error("env_snapshot", data) is None
    assert complaints is not None or said == []
    return data


@needs_git
def test_a_checkout_with_its_packages(tmp_path: Path) -> None:
    sha = repository(tmp_path / "checkout")
    git("remote", "add", "origin", "https://ann:abc@example.org/x", at=tmp_path / "checkout")
    (tmp_path / "checkout" / "train.py").write_text("changed", "utf-8")
    (tmp_path / "elsewhere" / "torch-2.1.0.dist-info").mkdir(parents=True)
    data = gathered(tmp_path / "elsewhere", tmp_path / "checkout", RANK="3")

    assert {name: data[name] for name in data if name.startswith("git_")} == {
        "git_sha": sha,
        "git_branch": "main",
        "git_remote": "https://example.org/x",
        "git_dirty": True,
    }
    assert data["pip_freeze"] == ["torch==2.1.0"]
    assert data["environment"]["RANK"] == "3"
    assert data["cpu_count"] == os.cpu_count()
    assert "gpus" not in data, "what is not known is left out"


@needs_git
def test_without_git_the_files_still_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = repository(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    data = gathered(tmp_path)

    assert (data["git_sha"], data["git_branch"]) == (sha, "main")
    assert "git_dirty" not in data


@needs_git
def test_what_only_git_can_read_git_is_asked_for(tmp_path: Path) -> None:
    sha = repository(tmp_path)
    # As far as the files tell, a reftable repository looks like this.
    git_dir = tmp_path / ".git"
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *rev-parse*) echo {sha};; *symbolic-ref*) echo main;; esac\n',
        "utf-8",
    )
    fake.chmod(0o755)
    (git_dir / "HEAD").write_text("ref: refs/heads/.invalid\n", "utf-8")
    data = gathered(tmp_path, PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    assert (data["git_sha"], data["git_branch"]) == (sha, "main")


def test_outside_of_a_repository_nothing_is_said_of_git(tmp_path: Path) -> None:
    assert [name for name in gathered(tmp_path) if name.startswith("git")] == []


def test_variables_of_the_launch_are_told_and_no_others() -> None:
    environ = {
        "SLURM_JOB_ID": "17",
        "SLURM_JWT": "abc",
        "NCCL_DEBUG": "INFO",
        "CUDA_PROXY": "http://ann:abc@node-1/",
        "PYTHONPATH": "x" * 100_000,
        "OMP_TOKEN": "abc",
        "HOME": "/home/ann",
        "AWS_SECRET_ACCESS_KEY": "abc",
    }
    variables = chosen(environ)

    assert len(variables.pop("PYTHONPATH")) < 1_100
    assert variables == {
        "SLURM_JOB_ID": "17",
        "SLURM_JWT": "***",
        "NCCL_DEBUG": "INFO",
        "CUDA_PROXY": "http://***@node-1/",
        "OMP_TOKEN": "***",
    }
    assert len(chosen({f"SLURM_{number}": "" for number in range(1_000)})) == 128


def test_a_part_that_fails_does_not_take_its_neighbours_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, Any]:
        raise ValueError("no")

    monkeypatch.setattr(machine, "system", broken)
    complaints: list[str] = []
    data = gathered(tmp_path, complaints=complaints)

    assert complaints == ["system: left out of the env_snapshot (ValueError('no'))"]
    assert {"command", "environment", "cpu_count", "pip_freeze"} <= set(data)


def test_nothing_more_is_gathered_once_the_block_is_left(tmp_path: Path) -> None:
    leaving = threading.Event()
    rest = parts([], [], {}, tmp_path, Pace(leaving, 60.0), pytest.fail)
    assert list(next(rest)) == ["command"]
    leaving.set()

    assert "pip_freeze" not in {name for fields in rest for name in fields}


def test_the_largest_snapshot_is_no_more_than_one_event_may_hold() -> None:
    most_values = (
        packages.MAX_LINES + snapshot._MAX_VARIABLES + flatten.MAX_WEIGHT // flatten.VALUES_WEIGHT
    )
    most_text = (
        packages.MAX_TEXT + snapshot._MAX_VARIABLES * snapshot._MAX_VARIABLE + flatten.MAX_WEIGHT
    )

    assert most_values < values.MAX_VALUES
    assert most_text < values.MAX_TOTAL_TEXT


def patch_of(directory: Path, limit_s: float = 60.0) -> str | None:
    diff = uncommitted([str(directory)], os.environ, Pace(threading.Event(), limit_s))
    return None if diff is None else diff.decode("utf-8", "surrogateescape")


@needs_git
def test_what_is_not_committed_is_a_patch_without_secrets(tmp_path: Path) -> None:
    assert patch_of(tmp_path) is None, "no repository"
    repository(tmp_path)
    assert patch_of(tmp_path) is None, "nothing differs"
    (tmp_path / "train.py").write_bytes(b"API_KEY = 'abc'\nlr = 1\n\xff\n")

    patch = patch_of(tmp_path)
    assert patch is not None
    assert patch.splitlines()[-4:] == ["-pass", "+API_KEY = ***", "+lr = 1", "+\udcff"]
    assert patch.endswith("\n")


@needs_git
def test_a_patch_that_is_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argus.launch.git.MAX_DIFF", 100_000)
    repository(tmp_path)
    (tmp_path / "train.py").write_text("line of some length\n" * 10_000, "utf-8")

    patch = patch_of(tmp_path)
    assert patch is not None
    assert patch.splitlines()[-2] == "+line of some length"
    assert patch.splitlines()[-1].startswith("# and more")
    assert 99_000 < len(patch) < 100_100
