"""Real git repositories for the tests of this folder, and programs that stand for git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
needs_scripts = pytest.mark.skipif(os.name == "nt", reason="a script cannot stand for git.exe")


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that knows neither of the user's settings nor of a repository above the test's."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.chdir(tmp_path)


def git(*arguments: str, at: Path | None = None) -> str:
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "gc.auto=0")
    return subprocess.run(
        ["git", *who, *arguments], cwd=at, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def repository(directory: Path, *init: str) -> str:
    """A repository with one commit of one file, on the branch `main`. Returns the commit."""
    directory.mkdir(exist_ok=True)
    git("init", "-q", *init, at=directory)
    git("symbolic-ref", "HEAD", "refs/heads/main", at=directory)
    (directory / "train.py").write_text("pass\n", "utf-8")
    git("add", "train.py", at=directory)
    git("commit", "-q", "-m", "first", at=directory)
    return git("rev-parse", "HEAD", at=directory)


def fake_git(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a `git` that is this shell script before the real one."""
    directory.mkdir()
    program = directory / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
