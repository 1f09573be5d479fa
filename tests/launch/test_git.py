"""What git says, and what it costs when it says nothing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from argus import derive_batch_id
from argus.launch.git import MAX_DIFF, Git, head_sha
from argus.launch.pace import Pace
from tests.environment import clean_environment
from tests.launch.repositories import (
    fake_git,
    git,
    needs_git,
    needs_scripts,
    own_git,
    repository,
)

__all__ = ["clean_environment", "own_git"]

NO_GIT = derive_batch_id("p", "e", "")

# Its child holds the output open for a while after it was killed.
HANGING = """
sleep 5 &
cat
echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
exec sleep 600
"""


@needs_git
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


@needs_git
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


@needs_scripts
def test_git_that_hangs_costs_its_time_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", monkeypatch, HANGING)
    started = time.monotonic()

    assert derive_batch_id("p", "e") == NO_GIT
    assert 1.4 < time.monotonic() - started < 3.0


@needs_scripts
@pytest.mark.parametrize("script", ["exit 128", f"echo {'a' * 40}; exit 1", "kill -9 $$"])
def test_git_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_git(tmp_path / "bin", monkeypatch, script)

    assert derive_batch_id("p", "e") == NO_GIT


def asked(directory: Path, limit_s: float = 30.0) -> Git:
    return Git(str(directory), os.environ, Pace(threading.Event(), limit_s))


@needs_git
def test_dirty_is_what_a_tracked_file_makes_it(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "log").touch()
    assert asked(tmp_path).is_dirty() is False, "outputs are not the code"
    os.utime(tmp_path / "train.py", (1, 1))
    assert asked(tmp_path).is_dirty() is False, "touched is not changed"
    (tmp_path / "train.py").write_text("changed", "utf-8")
    assert asked(tmp_path / "outputs").is_dirty() is True
    git("commit", "-qam", "second")
    (tmp_path / "new.py").touch()
    git("add", "new.py")
    assert asked(tmp_path).is_dirty() is True
    git("rm", "-qf", "new.py", "train.py")
    assert asked(tmp_path).is_dirty() is True


@needs_git
def test_dirty_looks_into_no_submodule_and_leaves_the_index_alone(tmp_path: Path) -> None:
    repository(tmp_path / "inner")
    repository(tmp_path / "outer")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "sub")
    git(*add, at=tmp_path / "outer")
    git("commit", "-qm", "second", at=tmp_path / "outer")
    (tmp_path / "outer" / "sub" / "train.py").write_text("changed", "utf-8")
    os.utime(tmp_path / "outer" / "train.py", (1, 1))
    index = (tmp_path / "outer" / ".git" / "index").read_bytes()

    assert asked(tmp_path / "outer").is_dirty() is False
    assert (tmp_path / "outer" / ".git" / "index").read_bytes() == index
    git("commit", "-qam", "third", at=tmp_path / "outer" / "sub")
    assert asked(tmp_path / "outer").is_dirty() is True, "but another commit of it counts"


@needs_git
def test_a_diff_is_a_patch_of_tracked_files_that_differ(tmp_path: Path) -> None:
    repository(tmp_path)
    for name, value in (("diff.noprefix", "true"), ("color.diff", "always"), ("core.abbrev", "4")):
        git("config", name, value)
    (tmp_path / "same.py").touch()
    git("add", "same.py")
    git("commit", "-qm", "second")
    assert asked(tmp_path).diff() == b""
    os.utime(tmp_path / "same.py", (1, 1))
    (tmp_path / "train.py").write_text("changed\n", "utf-8")
    (tmp_path / "new.py").write_text("new\n", "utf-8")
    git("add", "new.py")
    (tmp_path / "untracked").touch()
    index = (tmp_path / ".git" / "index").read_bytes()
    patch = asked(tmp_path).diff()

    assert (tmp_path / ".git" / "index").read_bytes() == index
    assert patch is not None
    assert b"untracked" not in patch
    assert b"same.py" not in patch, "touched is not changed"
    git("reset", "-q", "--hard")
    (tmp_path / "it.patch").write_bytes(patch)
    git("apply", "it.patch")
    assert (tmp_path / "train.py").read_text("utf-8") == "changed\n"
    assert (tmp_path / "new.py").read_text("utf-8") == "new\n"


@needs_git
def test_a_diff_is_bounded(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "train.py").write_text("line of some length\n" * 200_000, "utf-8")

    patch = asked(tmp_path).diff()
    assert patch is not None
    assert len(patch) == MAX_DIFF + 1


@needs_git
def test_without_a_commit_there_is_no_diff(tmp_path: Path) -> None:
    git("init", "-q")

    assert asked(tmp_path).diff() is None


@needs_git
def test_commit_and_branch_as_git_has_them(tmp_path: Path) -> None:
    git("init", "-q")
    git("symbolic-ref", "HEAD", "refs/heads/main")
    assert (asked(tmp_path).sha(), asked(tmp_path).branch()) == (None, "main")
    sha = repository(tmp_path)
    assert (asked(tmp_path).sha(), asked(tmp_path).branch()) == (sha, "main")


@needs_git
@needs_scripts
def test_no_program_that_a_checkout_names_is_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n", "utf-8")
    program.chmod(0o755)
    place = tmp_path / "hostile"
    repository(place)
    for name in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass"),
        *("alias.status", "alias.config", "diff.external", "diff.x.textconv", "gpg.program"),
        *("pager.status", "pager.config", "credential.helper", "remote.origin.uploadpack"),
    ):
        git("config", name, f"!{program}" if name.startswith("alias") else str(program), at=place)
    git("config", "core.hooksPath", str(tmp_path / "hooks"), at=place)
    (tmp_path / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc"):
        (tmp_path / "hooks" / hook).symlink_to(program)
    (place / "train.py").write_text("PASS\n", "utf-8")  # of the same size: its content is looked at

    (place / ".gitattributes").write_text("*.py diff=x\n", "utf-8")
    git("config", "diff.x.command", str(program), at=place)

    assert asked(place).is_dirty() is True
    assert b"+PASS" in (asked(place).diff() or b"")
    assert (asked(place).branch(), asked(place).sha() is None) == ("main", False)
    git("config", "filter.x.y=z.clean", str(program), at=place)
    (place / ".gitattributes").write_text("* filter=x.y=z\n", "utf-8")
    assert asked(place).is_dirty() is None, "it would have to be run"
    assert asked(place).diff() is None
    assert not (tmp_path / "ran").exists()
    git("status", at=place)
    assert (tmp_path / "ran").exists(), "a git without care does run them"


@needs_git
@needs_scripts
def test_filters_in_a_file_that_the_checkout_includes_are_its_own(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "more").write_text('[filter "x"]\nclean = touch ran\n', "utf-8")
    git("config", "include.path", "../more")

    assert asked(tmp_path).is_dirty() is None


@needs_git
@needs_scripts
def test_the_users_own_filters_are_no_reason_for_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path)
    (tmp_path / "own").write_text('[filter "lfs"]\nclean = cat\n', "utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "own"))

    assert asked(tmp_path).is_dirty() is False


@needs_git
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give away"
)
def test_a_repository_that_somebody_else_owns_is_not_asked(tmp_path: Path) -> None:
    repository(tmp_path / "theirs")
    for path in (tmp_path / "theirs", tmp_path / "theirs" / ".git"):
        os.chown(path, 12_345, 12_345)

    assert asked(tmp_path / "theirs").is_dirty() is None


def test_no_git_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").touch()  # no program
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (asked(tmp_path).is_dirty(), asked(tmp_path).sha()) == (None, None)
    assert asked(tmp_path / "gone").sha() is None


@needs_scripts
def test_a_relative_path_does_not_lead_to_a_git_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path / "bin", monkeypatch, f": >{tmp_path}/ran")
    monkeypatch.chdir(tmp_path / "bin")
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}bin")

    assert asked(tmp_path / "bin").is_dirty() is None
    assert not (tmp_path / "ran").exists()


@needs_scripts
def test_a_git_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "alive")
    # Both hold the pipe open: it ends when both have ended.
    script = f"exec 3>{tmp_path}/alive; sleep 600 & echo >&3; exec sleep 600"
    fake_git(tmp_path / "bin", monkeypatch, script)
    leaving = threading.Event()
    answers: list[bool | None] = []
    git_of_ours = Git(str(tmp_path), os.environ, Pace(leaving, 600.0))
    thread = threading.Thread(target=lambda: answers.append(git_of_ours.is_dirty()))
    thread.start()
    with open(tmp_path / "alive", "rb") as alive:
        assert alive.readline() == b"\n", "both have begun"
        leaving.set()
        thread.join(30.0)
        assert answers == [None]
        assert alive.read() == b""


@needs_scripts
def test_the_time_that_git_gets_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path / "bin", monkeypatch, "exec sleep 600")
    started = time.monotonic()

    assert asked(tmp_path, 0.05).is_dirty() is None
    assert time.monotonic() - started < 10.0


@needs_scripts
def test_git_gets_nothing_to_read_and_may_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_git(tmp_path / "bin", monkeypatch, "cat; echo $GIT_TERMINAL_PROMPT; echo no >&2")

    assert asked(tmp_path).sha() == "0"
    assert capfd.readouterr() == ("", "")
