"""`logs/output.log`: whole lines, bounded, where the run is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from argus.console import output_log
from argus.console.output_log import OutputLog


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def text(run: Path) -> str:
    return (run / "logs" / "output.log").read_text("utf-8")


def test_lines_are_appended(run: Path):
    log = OutputLog()
    log.put([b"a", b"b"])
    assert not log.is_written
    log.write(run)
    log.put([b"", b"c"])
    log.close(run)
    assert (text(run), log.is_written, log.omitted) == ("a\nb\n\nc\n", True, 0)


def test_where_nothing_is_printed_there_is_no_file(run: Path):
    log = OutputLog()
    log.write(run)
    log.close(run)
    assert list(run.iterdir()) == []


def test_a_full_file_takes_no_more_and_says_how_much_that_is(run: Path):
    log = OutputLog(max_bytes=10)
    for line in (b"one", b"two", b"three", b"four"):
        log.put([line])
        log.write(run)
    log.close(run)
    assert text(run) == "one\ntwo\n[argus: 2 lines are not in this file]\n"


def test_what_a_whole_process_tree_writes_counts(run: Path):
    logs = [OutputLog(max_bytes=10), OutputLog(max_bytes=10)]
    for log in logs:
        log.put([b"12345"])
        log.write(run)
    assert (text(run), [log.omitted for log in logs]) == ("12345\n", [0, 1])
    for log in logs:
        log.omitted = 0
        log.close(run)


def test_memory_is_bounded_while_there_is_no_place(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output_log, "MAX_WAITING_BYTES", 10)
    log = OutputLog()
    for line in (b"1234", b"5", b"678"):
        log.put([line])
    with pytest.raises(FileNotFoundError):
        log.write(run / "removed")
    log.close(run)
    assert text(run) == "1234\n5\n[argus: 1 lines are not in this file]\n"
    assert not (run / "removed").exists()


def test_it_follows_its_run_with_all_that_it_has(run: Path, tmp_path: Path):
    log = OutputLog()
    log.put([b"before"])
    log.write(run)
    shutil.rmtree(run)
    log.put([b"meanwhile"])
    with pytest.raises(FileNotFoundError):
        log.write(run)
    another = tmp_path / "another"
    another.mkdir()
    log.put([b"after"])
    log.close(another)
    assert text(another) == "before\nmeanwhile\nafter\n"
    assert not run.exists()


def test_a_file_that_was_removed_comes_back_whole_and_once(run: Path):
    logs = [OutputLog(), OutputLog()]
    for name, log in zip((b"parent", b"child"), logs):
        log.put([name])
        log.write(run)
    shutil.rmtree(run / "logs")
    for log in logs:
        log.put([b"after"])
        log.close(run)
    assert text(run) == "parent\nchild\nafter\nafter\n"


def test_what_a_full_disk_refuses_is_written_once_there_is_room(
    run: Path, monkeypatch: pytest.MonkeyPatch
):
    log = OutputLog()
    write, room = os.write, [3, 2]

    def little(fd: int, data: bytes) -> int:
        if not room:
            raise OSError(28, "No space left on device")
        return write(fd, bytes(data)[: room.pop(0)])

    log.put([b"one", b"two", b"three"])
    with monkeypatch.context() as full:
        full.setattr(os, "write", little)
        with pytest.raises(OSError, match="No space"):
            log.write(run)
    assert not log.is_written
    log.put([b"four"])
    log.close(run)
    assert text(run) == "one\ntwo\nthree\nfour\n"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_link_leads_nowhere(run: Path, tmp_path: Path):
    (run / "logs").mkdir()
    (run / "logs" / "output.log").symlink_to(tmp_path / "elsewhere")
    log = OutputLog()
    log.put([b"x"])
    with pytest.raises(OSError, match=r"."):
        log.close(run)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_it_follows_the_umask_as_a_kept_run_does(run: Path):
    before = os.umask(0o027)
    try:
        log = OutputLog()
        log.put([b"x"])
        log.close(run)
    finally:
        os.umask(before)
    modes = [os.stat(path).st_mode & 0o777 for path in (run / "logs", run / "logs" / "output.log")]
    assert modes == [0o750, 0o640]
