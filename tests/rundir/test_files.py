"""Files are whole or not there, seen by whom they should be, and never written through a link."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import argus
from argus.rundir import files

posix = pytest.mark.skipif(os.name == "nt", reason="modes and links are those of POSIX")


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _run(script: str, *argv: str) -> subprocess.CompletedProcess[bytes]:
    root = str(Path(str(argus.__file__)).parents[1])
    command = [sys.executable, "-c", script, *argv]
    environ = {**os.environ, "PYTHONPATH": root}
    return subprocess.run(command, env=environ, capture_output=True, check=True)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _append(path: Path, data: bytes, private: bool = True) -> None:
    fd = files.open_append(path, private)
    os.write(fd, data)
    os.close(fd)


@posix
def test_private_files_and_directories_are_private_whatever_the_umask(
    tmp_path: Path, umask: int
) -> None:
    inner = tmp_path / "a" / "b"
    files.make_dir(inner, private=True)
    _append(inner / "appended", b"x")
    files.append_lines(inner / "lines", [b"x"], private=True)
    files.replace(inner / "replaced", b"x", private=True, durable=False)

    assert [_mode(tmp_path / "a"), _mode(inner)] == [0o700, 0o700]
    assert {path.name: _mode(path) for path in inner.iterdir()} == dict.fromkeys(
        ("appended", "lines", "replaced"), 0o600
    )


@posix
def test_kept_files_and_directories_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.make_dir(tmp_path / "a" / "b", private=False)
        _append(tmp_path / "appended", b"x", private=False)
        files.replace(tmp_path / "replaced", b"x", private=False, durable=True)
    finally:
        os.umask(before)

    assert [_mode(tmp_path / "a"), _mode(tmp_path / "a" / "b")] == [0o750, 0o750]
    assert [_mode(tmp_path / "appended"), _mode(tmp_path / "replaced")] == [0o640, 0o640]


@posix
def test_kept_files_and_directories_are_open_to_all_where_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files.make_dir(tmp_path / "a", private=False)
        _append(tmp_path / "appended", b"x", private=False)
    finally:
        os.umask(before)

    assert [_mode(tmp_path / "a"), _mode(tmp_path / "appended")] == [0o777, 0o666]


@posix
def test_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)

    files.make_dir(shared / "own", private=True)
    files.make_dir(shared, private=True)

    assert [_mode(shared), _mode(shared / "own")] == [0o755, 0o700]


def test_directory_below_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError):
        files.make_dir(tmp_path / "file" / "a", private=True)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@posix
@pytest.mark.parametrize("make", [_fifo, _device, Path.mkdir])
def test_what_is_no_file_is_refused_and_nothing_waits_for_it(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "a"
    make(path)

    for attempt in (
        lambda: files.open_append(path, private=True),
        lambda: files.open_read(path),
        lambda: files.read_whole(path, 100),
        lambda: files.append_lines(path, [b"x"], private=True),
        lambda: files.touch(path, private=True),
    ):
        with pytest.raises(OSError):
            attempt()

    assert list(tmp_path.iterdir()) == [path]


def test_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")

    assert files.read_whole(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError):
        files.read_whole(tmp_path / "a", 4)
    with pytest.raises(FileNotFoundError):
        files.read_whole(tmp_path / "b", 4)


def test_directory_that_somebody_else_makes_meanwhile_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a"
    place.mkdir(mode=0o755)
    answers = iter([False, True, True])  # not there yet; its parent; and then it is
    monkeypatch.setattr(Path, "is_dir", lambda self: next(answers))

    files.make_dir(place, private=True)

    assert os.name == "nt" or _mode(place) == 0o755


def test_appending_adds_to_what_is_there(tmp_path: Path) -> None:
    _append(tmp_path / "a", b"one")
    _append(tmp_path / "a", b"two")

    assert (tmp_path / "a").read_bytes() == b"onetwo"


@posix
@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_symbolic_link_is_not_appended_to(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / target)

    with pytest.raises(OSError):
        files.open_append(tmp_path / "link", private=True)
    with pytest.raises(OSError):
        files.append_lines(tmp_path / "link", [b"x"], private=True)

    assert (tmp_path / "elsewhere").read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_replacing_puts_the_whole_content_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a"

    for data in (b"long content", b"short", b""):
        files.replace(path, data, private=True, durable=True)
        assert path.read_bytes() == data

    assert list(tmp_path.iterdir()) == [path]


@posix
def test_replacing_takes_the_place_of_a_link_and_leaves_its_target(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    files.replace(tmp_path / "link", b"new", private=True, durable=False)

    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "link").read_bytes() == b"new"
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


@posix
def test_link_in_place_of_the_temporary_file_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / f".a.{os.getpid()}").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):
        files.replace(tmp_path / "a", b"new", private=True, durable=False)
    files.replace(tmp_path / "a", b"new", private=True, durable=False)  # the link is gone

    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_temporary_file_of_a_killed_process_does_not_hinder(tmp_path: Path) -> None:
    (tmp_path / f".a.{os.getpid()}").write_bytes(b"half a file that is longer")

    files.replace(tmp_path / "a", b"new", private=True, durable=False)

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


_REPLACE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from argus.rundir import files
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    files.replace(Path(sys.argv[1]), b"x" * 1000, private=True, durable=True)
except OSError as error:
    print(type(error).__name__)
"""


@posix
def test_full_disk_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    done = _run(_REPLACE_ON_A_FULL_DISK, str(tmp_path / "a"))

    assert done.stdout.strip() == b"OSError"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"x\ny\n"),
        (b"t", b"t\nx\ny\n"),
        (b"a\n", b"a\nx\ny\n"),
        (b"a\nto", b"a\nto\nx\ny\n"),
    ],
    ids=["new", "letter", "whole", "torn"],
)
def test_lines_begin_on_a_line_of_their_own(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(before)

    files.append_lines(path, [b"x", b"y"], private=True)

    assert path.read_bytes() == after


@posix
def test_descriptors_are_given_back_on_success_and_on_failure(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    first = os.open(os.devnull, os.O_RDONLY)
    os.close(first)

    files.append_lines(tmp_path / "a", [b"x"], private=True)
    files.replace(tmp_path / "a", b"x", private=True, durable=True)
    with pytest.raises(OSError):
        files.replace(tmp_path / "directory", b"x", private=True, durable=True)

    again = os.open(os.devnull, os.O_RDONLY)
    os.close(again)
    assert again == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "directory"]


def test_reading_back_does_not_move_where_is_appended(tmp_path: Path) -> None:
    fd = files.open_append(tmp_path / "a", private=True)
    try:
        files.write_all(fd, b"0123456789")
        assert files.read_at(fd, 3, 2) == b"234"
        files.write_all(fd, b"end")
        assert files.read_at(fd, 100, 8) == b"89end"
        assert files.read_at(fd, 100, 13) == b""
    finally:
        os.close(fd)


_WRITE_TO_A_PIPE = """
import sys
from argus.rundir import files
files.write_all(sys.stdout.fileno(), bytes(range(256)) * 4096)
"""


def test_all_is_written_however_small_the_pieces_that_are_taken() -> None:
    done = _run(_WRITE_TO_A_PIPE)  # more than a pipe holds

    assert done.stdout == bytes(range(256)) * 4096
