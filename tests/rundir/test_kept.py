"""The files of a kept run: one for each kind of fact, and none for what nobody knows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from argus.rundir.kept import contents, write

FACTS = {
    "hostname": "node-1",
    "git_sha": "a1",
    "git_dirty": True,
    "pip_freeze": ["a==1", "ü==2"],
    "config": {"lr": float("nan"), "name": "ü"},
    "gpus": ["H100"],
}


def test_each_kind_has_its_file() -> None:
    files = contents(FACTS, b"diff --git\n\xff\n")

    assert sorted(files) == ["config.json", "diff.patch", "git.json", "packages.txt", "system.json"]
    assert json.loads(files["git.json"]) == {"git_sha": "a1", "git_dirty": True}
    assert json.loads(files["system.json"]) == {"hostname": "node-1", "gpus": ["H100"]}
    assert files["config.json"] == '{\n "lr": "NaN",\n "name": "ü"\n}\n'.encode()
    assert files["packages.txt"] == "a==1\nü==2\n".encode()
    assert files["diff.patch"] == b"diff --git\n\xff\n"


def test_what_nobody_knows_has_no_file() -> None:
    assert contents({}, None) == {}
    assert sorted(contents({"hostname": "x", "pip_freeze": [], "config": {}}, None)) == [
        *("config.json", "packages.txt", "system.json")
    ]


def test_they_are_written_whole_and_again(tmp_path: Path) -> None:
    write(tmp_path, {"a.json": b"1\n"})
    write(tmp_path, {"a.json": b"2\n", "b": b""})

    assert {path.name: path.read_bytes() for path in (tmp_path / "files").iterdir()} == {
        "a.json": b"2\n",
        "b": b"",
    }


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "other").write_bytes(b"theirs")
    (tmp_path / "files" / "a").symlink_to(tmp_path / "other")
    write(tmp_path, {"a": b"ours"})

    assert (tmp_path / "other").read_bytes() == b"theirs"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "files").symlink_to(elsewhere)
    with pytest.raises(OSError):
        write(tmp_path / "run", {"a": b"ours"})
    assert list(elsewhere.iterdir()) == []
    assert (tmp_path / "files" / "a").read_bytes() == b"ours"
