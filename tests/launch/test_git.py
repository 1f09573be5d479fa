"""What git says, and what it costs when it says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argus import derive_batch_id
from argus.launch.git import head_sha
from tests.environment import clean_environment

__all__ = ["clean_environment"]

NO_GIT = derive_batch_id("p", "e", "")

# Its child holds the output open for a while after it was killed.
HANGING = """
import subprocess
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
sys.stdin.read()
print("a" * 40, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that knows neither of the user's settings nor of a repository above the test's."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


def git(*arguments: str) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    return subprocess.run(
        ["git", *who, *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def fake_git(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a `git` that is this Python script before the real one."""
    directory.mkdir()
    program = directory / "git"
    program.write_text(f"#!{sys.executable}\nimport os, sys, time\n{script}\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


def test_commit_of_the_repository_that_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    sha = git("rev-parse", "HEAD")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    assert len(sha) == 40
    assert head_sha() == sha
    assert derive_batch_id("p", "e") == derive_batch_id("p", "e", sha)
    git("commit", "-q", "--allow-empty", "-m", "second")
    assert derive_batch_id("p", "e") != derive_batch_id("p", "e", sha)


def test_repository_without_a_commit_counts_as_none() -> None:
    git("init", "-q")

    assert derive_batch_id("p", "e") == NO_GIT


def test_outside_of_a_repository(capfd: pytest.CaptureFixture[str]) -> None:
    assert derive_batch_id("p", "e") == NO_GIT
    assert capfd.readouterr() == ("", "")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert derive_batch_id("p", "e") == NO_GIT


def test_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert derive_batch_id("p", "e") == NO_GIT


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand for git.exe")
def test_git_that_hangs_costs_its_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", monkeypatch, HANGING)
    started = time.monotonic()

    assert derive_batch_id("p", "e") == NO_GIT
    assert 1.4 < time.monotonic() - started < 3.0


@pytest.mark.skipif(os.name == "nt", reason="a script cannot stand for git.exe")
@pytest.mark.parametrize(
    "script", ["sys.exit(128)", "print('a' * 40); sys.exit(1)", "os.kill(os.getpid(), 9)"]
)
def test_git_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_git(tmp_path / "bin", monkeypatch, script)

    assert derive_batch_id("p", "e") == NO_GIT
