"""Commit, branch and remote as git's own files have them, and as git itself says they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from argus.launch.repository import Repository
from tests.launch.repositories import git, needs_git, own_git, repository

__all__ = ["own_git"]


def found(directory: Path, **environ: str) -> Repository:
    it = Repository.of(str(directory), environ)
    assert it is not None
    return it


def told(directory: Path, **environ: str) -> tuple[str | None, str | None]:
    it = found(directory, **environ)
    return it.branch, it.sha


@needs_git
def test_a_branch_loose_packed_and_from_below(tmp_path: Path) -> None:
    sha = repository(tmp_path)
    git("checkout", "-q", "-b", "feature/a.b")
    assert told(tmp_path) == ("feature/a.b", sha)
    git("pack-refs", "--all")
    assert not (tmp_path / ".git" / "refs" / "heads" / "main").exists()
    assert told(tmp_path) == ("feature/a.b", sha)
    git("commit", "-q", "--allow-empty", "-m", "second")  # loose again: that counts
    (tmp_path / "a" / "b").mkdir(parents=True)

    assert told(tmp_path / "a" / "b") == ("feature/a.b", git("rev-parse", "HEAD"))
    assert told(tmp_path)[1] != sha
    assert found(tmp_path / "a" / "b").work_tree == str(tmp_path)


@needs_git
def test_a_detached_head_has_no_branch(tmp_path: Path) -> None:
    sha = repository(tmp_path)
    git("checkout", "-q", "--detach")

    assert told(tmp_path) == (None, sha)


@needs_git
def test_a_branch_without_a_commit(tmp_path: Path) -> None:
    git("init", "-q")
    git("symbolic-ref", "HEAD", "refs/heads/main")

    assert told(tmp_path) == ("main", None)


@needs_git
def test_sha256(tmp_path: Path) -> None:
    try:
        sha = repository(tmp_path, "--object-format=sha256")
    except subprocess.CalledProcessError:
        pytest.skip("this git knows SHA-1 alone")

    assert len(sha) == 64
    assert told(tmp_path) == ("main", sha)


@needs_git
def test_a_linked_work_tree_has_a_head_of_its_own_and_shares_refs_and_remotes(
    tmp_path: Path,
) -> None:
    sha = repository(tmp_path / "main")
    git("remote", "add", "origin", "git@example.org:ann/x.git", at=tmp_path / "main")
    git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"), at=tmp_path / "main")
    assert told(tmp_path / "linked") == ("other", sha)
    git("pack-refs", "--all", at=tmp_path / "main")

    assert told(tmp_path / "linked") == ("other", sha)
    assert found(tmp_path / "linked").work_tree == str(tmp_path / "linked")
    assert found(tmp_path / "linked").remote == "git@example.org:ann/x.git"
    assert told(tmp_path / "main") == ("main", sha)


@needs_git
def test_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner")
    repository(tmp_path / "outer")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../inner", "sub")
    git(*add, at=tmp_path / "outer")

    assert (tmp_path / "outer" / "sub" / ".git").is_file()
    assert told(tmp_path / "outer" / "sub") == ("main", inner)


@needs_git
def test_git_dir_and_git_work_tree_are_heeded(tmp_path: Path) -> None:
    sha = repository(tmp_path / "here")
    (tmp_path / "there").mkdir()
    environ = {"GIT_DIR": str(tmp_path / "here" / ".git"), "GIT_WORK_TREE": "../here"}

    assert told(tmp_path / "there", **environ) == ("main", sha)
    work_tree = found(tmp_path / "there", **environ).work_tree
    assert os.path.realpath(work_tree) == str(tmp_path / "here")


@needs_git
def test_a_ceiling_is_where_the_search_ends(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    environ = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}

    assert Repository.of(str(tmp_path / "a" / "b"), environ) is None
    assert told(tmp_path, **environ)[0] == "main", "the directory itself is looked at"


def test_outside_of_a_repository(tmp_path: Path) -> None:
    environ = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    (tmp_path / ".git").mkdir()  # but nothing in it
    assert Repository.of(str(tmp_path), environ) is None
    assert Repository.of(str(tmp_path / "gone"), environ) is None


@pytest.mark.parametrize(
    ("config", "remote"),
    [
        ('[remote "origin"]\n\turl = https://example.org/x.git\n', "https://example.org/x.git"),
        ('[remote "origin"]\n  URL="https://ann:p@ss@example.org/x"\n', "https://example.org/x"),
        ('[remote "origin"]\nurl = https://token@example.org/x\n', "https://example.org/x"),
        ('[remote "a"]\nurl=a\n[remote "origin"]\nurl=b\npushurl=c\n[core]\nurl=d', "b"),
        ('[remote "a"]\nurl=a\nurl=b\n[remote "b"]\nurl=c', "a"),
        ("[core]\nurl = a\n[remote]\nurl", None),
        ('[remote "origin"]\nurl =' + " " * 60_000 + "x", "x"),
        ("\0[[[", None),
        ("", None),
    ],
)
def test_the_remote_without_user_and_password(
    tmp_path: Path, config: str, remote: str | None
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    (tmp_path / ".git" / "config").write_text(config, "utf-8")

    assert found(tmp_path).remote == remote


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff\0\n",
        b"ref: refs/heads/../../../secret",
        b"ref: /etc/passwd",
        b"ref: refs/heads/loop",
        b"ref: refs/heads/no-sha",
        b"g" * 40,
        b"a" * 10_000_000,
    ],
    ids=lambda head: repr(head[:30]),
)
def test_files_that_are_not_gits_lead_nowhere(tmp_path: Path, head: bytes) -> None:
    refs = tmp_path / ".git" / "refs" / "heads"
    refs.mkdir(parents=True)
    (tmp_path / "secret").write_text("a" * 40, "utf-8")
    (refs / "loop").write_bytes(b"ref: refs/heads/loop\n")
    (refs / "no-sha").write_bytes(b"password\n")
    (tmp_path / ".git" / "HEAD").write_bytes(head)

    assert told(tmp_path)[1] is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("HEAD", "config", "packed-refs", "commondir"):
        os.mkfifo(tmp_path / ".git" / name)

    it = found(tmp_path)
    assert (it.branch, it.sha, it.remote) == (None, None, None)
