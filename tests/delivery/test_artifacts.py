from __future__ import annotations

import os
from pathlib import Path

from argus.delivery.artifacts import matching_files


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
