"""The sidecar is read back as it was written; what is none of ours reads as nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from argus.rundir import sidecar


def test_content_is_read_back_with_its_format(tmp_path: Path) -> None:
    content = {"batch_id": "b1", "tags": ["größe", "日本"], "pid": 7, "ended_at": None}

    sidecar.write(tmp_path, content, private=True)

    assert sidecar.read(tmp_path) == {"format": 1, **content}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_text_that_no_utf_8_can_carry_leaves_a_readable_file(tmp_path: Path) -> None:
    sidecar.write(tmp_path, {"command": "python \udcff.py"}, private=True)

    assert json.loads((tmp_path / "run.json").read_text("utf-8"))["command"] == "python ?.py"


def test_second_writing_replaces_the_first(tmp_path: Path) -> None:
    sidecar.write(tmp_path, {"status": "running", "pid": 7}, private=True)
    sidecar.write(tmp_path, {"status": "done"}, private=True)

    assert sidecar.read(tmp_path) == {"format": 1, "status": "done"}


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_mode_is_that_of_the_run(tmp_path: Path, private: bool, mode: int) -> None:
    before = os.umask(0o022)
    try:
        sidecar.write(tmp_path, {}, private)
    finally:
        os.umask(before)

    assert (tmp_path / "run.json").stat().st_mode & 0o777 == mode


def test_disk_that_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        sidecar.write(tmp_path / "nowhere", {}, private=True)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":1}' + b" " * 2**23],
    ids=["empty", "torn", "list", "null", "text", "bytes", "deep", "large"],
)
def test_file_that_is_no_sidecar_reads_as_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "run.json").write_bytes(data)

    assert sidecar.read(tmp_path) == {}


def test_missing_file_and_directory_read_as_nothing(tmp_path: Path) -> None:
    assert sidecar.read(tmp_path) == {}
    assert sidecar.read(tmp_path / "nowhere") == {}
    (tmp_path / "run.json").mkdir()
    assert sidecar.read(tmp_path) == {}


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_link_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b'{"batch_id": "b1"}')
    (tmp_path / "run.json").symlink_to(tmp_path / "elsewhere")

    assert sidecar.read(tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, True),
        ({"format": 1}, True),
        ({"format": 2}, False),
        ({"format": "1"}, False),
        ({"format": None}, False),
        ({"format": [1]}, False),
    ],
)
def test_run_of_a_later_format_is_not_touched(content: dict[str, Any], expected: bool) -> None:
    assert sidecar.is_known_format(content) is expected
