"""A copy is what the file was then; a link is made only where that cannot change."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from argus.rundir import copies as rundir_copies
from argus.rundir.copies import Copies

posix_only = pytest.mark.skipif(os.name == "nt", reason="links of POSIX")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "out" / "loss.png"
    path.parent.mkdir()
    path.write_bytes(b"first")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "media").iterdir())


def settled(path: Path) -> None:
    """As if it had been written a while ago."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_copies_keep_what_the_file_was_each_time(run: Path, source: Path) -> None:
    copies = Copies(run)
    first = copies.add(str(source))
    source.write_bytes(b"second one")
    second = copies.add(str(source))

    assert (first, second) == (("media/0001-loss.png", 5), ("media/0002-loss.png", 10))
    assert (run / first.path).read_bytes() == b"first"
    assert (run / second.path).read_bytes() == b"second one"
    assert names(run) == ["0001-loss.png", "0002-loss.png"], "and nothing half done"


def test_names_are_harmless_readable_and_not_used_twice(run: Path, tmp_path: Path) -> None:
    for name in ("ü b.PNG", "..svg", "x" * 200 + ".pdf"):
        (tmp_path / name).write_bytes(b"x")
        Copies(run).add(str(tmp_path / name))

    found = names(run)
    assert [name[:5] for name in found] == ["0001-", "0002-", "0003-"]
    assert found[0].startswith("0001-__b-") and found[0].endswith(".png")
    assert all(name.isascii() and len(name) < 120 for name in found)


@posix_only
def test_what_has_not_changed_since_is_linked_to_its_copy(run: Path, source: Path) -> None:
    settled(source)
    copies = Copies(run)
    paths = [run / copies.add(str(source)).path for _ in range(3)]

    assert len({path.stat().st_ino for path in paths}) == 1
    assert paths[0].stat().st_ino != source.stat().st_ino
    source.write_bytes(b"other")  # of the same size
    settled(source)
    assert (run / copies.add(str(source)).path).read_bytes() == b"other"
    assert [path.read_bytes() for path in paths] == [b"first"] * 3


@posix_only
def test_what_was_written_just_now_is_copied_again(run: Path, source: Path) -> None:
    copies = Copies(run)
    first, second = (run / copies.add(str(source)).path for _ in range(2))

    assert first.stat().st_ino != second.stat().st_ino


@posix_only
def test_a_large_file_is_linked_and_copied_where_it_cannot_be(
    run: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir_copies, "LINKED_FROM", 5)
    linked = run / Copies(run).add(str(source)).path
    assert linked.stat().st_ino == source.stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    copied = run / Copies(run).add(str(source)).path
    assert copied.stat().st_ino != source.stat().st_ino
    assert copied.read_bytes() == b"first"


@posix_only
def test_a_link_stands_for_the_file_that_it_leads_to(
    run: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "latest.png").symlink_to(source)
    for linked_from in (8, 5):
        monkeypatch.setattr(rundir_copies, "LINKED_FROM", linked_from)
        copy = run / Copies(run).add(str(tmp_path / "latest.png")).path
        assert not copy.is_symlink()
        assert copy.read_bytes() == b"first"


@posix_only
def test_no_link_leads_a_copy_elsewhere(run: Path, source: Path, tmp_path: Path) -> None:
    (run / "media").symlink_to(tmp_path / "out")
    with pytest.raises(OSError):
        Copies(run).add(str(source))

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["loss.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_what_is_no_file_has_no_copy(run: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("pipe.png", "missing.png"):
        with pytest.raises(OSError):
            Copies(run).add(str(tmp_path / name))

    assert names(run) == []
