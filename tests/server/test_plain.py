import os

import pytest

from argus.server.plain import (
    LedElsewhereError,
    open_plain,
    require_own_place,
    run_directories,
    size_of,
)


@pytest.mark.parametrize("level", ["20260422", "20260422/120000", "20260422/120000/bench-1"])
def test_a_place_behind_a_link_is_refused(tmp_path, level):
    own, outside = tmp_path / "runs" / "20260422/120000/bench-1", tmp_path / "outside"
    require_own_place(own)  # not there yet
    outside.mkdir()
    link = tmp_path / "runs" / level
    link.parent.mkdir(parents=True)
    link.symlink_to(outside, target_is_directory=True)
    with pytest.raises(LedElsewhereError):
        require_own_place(own)


def test_the_runs_directory_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk" / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "disk", target_is_directory=True)
    [own] = run_directories(tmp_path / "runs")
    require_own_place(own)
    assert own == tmp_path / "runs" / "a" / "b" / "c"


def test_a_plain_file_is_read_and_a_link_is_not(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with open_plain(tmp_path / "file") as file:
        assert file.read() == b"content"
    for name in ("link", "none", "."):
        with pytest.raises(OSError):
            open_plain(tmp_path / name)
    assert (size_of(tmp_path / "file"), size_of(tmp_path / "none")) == (7, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_place_of_a_file_makes_nobody_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LedElsewhereError):
        open_plain(tmp_path / "pipe")


def test_run_directories_are_found_oldest_first_and_never_through_a_link(tmp_path):
    runs, outside = tmp_path / "runs", tmp_path / "outside" / "b" / "c"
    for name in ("2/1/b", "1/2/a", "1/1/z", "1/1/y"):
        (runs / name).mkdir(parents=True)
    outside.mkdir(parents=True)
    (runs / "3").symlink_to(tmp_path / "outside", target_is_directory=True)
    (runs / "1" / "1" / "file").touch()
    assert [path.relative_to(runs).as_posix() for path in run_directories(runs)] == [
        "1/1/y",
        "1/1/z",
        "1/2/a",
        "2/1/b",
    ]
