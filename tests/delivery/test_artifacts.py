from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from argus.delivery.artifacts import matching_files, upload
from argus.rundir.media import Artifact


def test_a_file_stands_for_itself_and_a_directory_for_what_matches(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "a.png", "sub/c.png", "d.pdf", "e.txt"):
        (tmp_path / name).touch()

    def names(path: Path, glob: str) -> list[str]:
        return [os.path.relpath(found, tmp_path) for found, _ in matching_files(path, glob)]

    assert names(tmp_path, "**/*.png") == ["a.png", "b.png", "sub/c.png"]
    assert names(tmp_path, "*") == ["a.png", "b.png", "d.pdf"]
    assert names(tmp_path / "d.pdf", "**/*.png") == ["d.pdf"]
    assert names(tmp_path / "e.txt", "*") == []
    assert names(tmp_path / "missing", "*") == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_file_that_has_become_a_pipe_holds_nobody_up(tmp_path: Path):
    os.mkfifo(tmp_path / "a.png")
    client: Any = None  # which nobody asks
    artifact = Artifact(str(tmp_path / "a.png"), 10, "b", "j", None)
    assert upload(client, artifact).refused == "it cannot be read: not a regular file"
