"""A run directory has one writer; what it leaves behind can be taken up, and goes when it is done."""

from __future__ import annotations

import bisect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import argus
from argus.core.flight import DeadLetter
from argus.core.jsonl import Line, read_line
from argus.rundir import sidecar
from argus.rundir.journal import Journal
from argus.rundir.lock import RunLock
from argus.rundir.run import RunDirectory, forget_held

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and locks are those of POSIX")
EVENT = b'{"event_id":"a","data":{"line":"gr\xc3\xb6\xc3\x9fe"}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spill" / "b1"


@pytest.fixture
def run(path: Path) -> Iterator[RunDirectory]:
    run = RunDirectory.create(path, kept=False)
    yield run
    run.release()


def _names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


@posix
def test_new_run_is_made_locked_and_private(path: Path, run: RunDirectory) -> None:
    run.describe({"batch_id": "b1"})
    run.journal.append([EVENT])
    run.set_aside([DeadLetter(read_line(EVENT), "bad")])
    run.beat()

    assert _names(path) == ["events.jsonl", "heartbeat", "lock", "rejected.jsonl", "run.json"]
    assert {entry.stat().st_mode & 0o777 for entry in path.iterdir()} == {0o600}
    assert [p.stat().st_mode & 0o777 for p in (path, path.parent)] == [0o700, 0o700]
    assert sidecar.read(path) == {"format": 1, "batch_id": "b1"}
    assert RunLock.acquire(path / "lock", private=True) is None


@posix
def test_kept_run_follows_the_umask(path: Path) -> None:
    before = os.umask(0o022)
    try:
        run = RunDirectory.create(path, kept=True)
        run.describe({})
        run.set_aside([DeadLetter(read_line(EVENT), "bad")])
        run.beat()
        run.release()
    finally:
        os.umask(before)

    assert {entry.stat().st_mode & 0o777 for entry in path.iterdir()} == {0o644}
    assert path.stat().st_mode & 0o777 == 0o755


def test_run_that_is_held_is_neither_created_nor_recovered_again(
    path: Path, run: RunDirectory
) -> None:
    with pytest.raises(FileExistsError):
        RunDirectory.create(path, kept=False)
    assert RunDirectory.recover(path, kept=False) is None

    run.release()

    again = RunDirectory.recover(path, kept=False)
    assert again is not None
    again.release()


@posix
def test_run_that_this_process_holds_is_refused_even_where_the_lock_would_not(
    path: Path, run: RunDirectory
) -> None:
    (path / "lock").unlink()  # as on a file system that gives every lock to the whole process

    with pytest.raises(FileExistsError):
        RunDirectory.create(path, kept=False)
    assert RunDirectory.recover(path, kept=False) is None


@posix
def test_forked_child_knows_that_the_runs_are_its_parents(path: Path, run: RunDirectory) -> None:
    (path / "lock").unlink()

    forget_held()

    recovered = RunDirectory.recover(path, kept=False)
    assert recovered is not None
    recovered.release()


_WRITER = """
import sys
from pathlib import Path
from argus.rundir.run import RunDirectory
run = RunDirectory.create(Path(sys.argv[1]), kept=False)
run.journal.append([b'{"event_id":"a"}', b'{"event_id":"b","schema_version":"1.1"}'])
run.journal.move(17)
run.journal.save_position()
with (run.path / "events.jsonl").open("ab") as file:
    file.write(b'{"event_id":"to')
print("written", flush=True)
sys.stdin.read()
"""


@posix
def test_run_of_a_killed_process_is_taken_up_where_it_stopped(path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(str(argus.__file__)).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"written\n"
    while_it_lives = RunDirectory.recover(path, kept=False)
    writer.kill()
    writer.communicate()

    run = RunDirectory.recover(path, kept=False)

    assert while_it_lives is None
    assert run is not None
    reader = run.journal.read_from(run.journal.position)
    assert reader.take(10, 1000) == [Line(b'{"event_id":"b","schema_version":"1.1"}', "b")]
    assert (run.journal.position, run.journal.size) == (17, 57)
    reader.close()
    run.remove()
    assert not path.exists()


def test_directory_without_events_is_nobodys_run(path: Path) -> None:
    assert RunDirectory.recover(path, kept=False) is None
    path.mkdir(parents=True)
    assert RunDirectory.recover(path, kept=False) is None
    assert _names(path) == []


@posix
def test_run_that_cannot_be_opened_is_not_held(path: Path, tmp_path: Path) -> None:
    path.mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(b"")
    (path / "events.jsonl").symlink_to(tmp_path / "elsewhere")

    for attempt in (RunDirectory.create, RunDirectory.recover):
        with pytest.raises(OSError):
            attempt(path, kept=False)

    (path / "events.jsonl").unlink()
    RunDirectory.create(path, kept=False).release()


def test_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError):
        RunDirectory.create(tmp_path / "file" / "b1", kept=False)


def test_dead_letters_are_kept_each_with_its_reason(path: Path, run: RunDirectory) -> None:
    deep = b"[" * 100_000
    run.set_aside([DeadLetter(read_line(EVENT), "größer")])
    run.set_aside(
        [DeadLetter(read_line(b"garbage \xff"), "unreadable"), DeadLetter(read_line(deep), "x")]
    )

    lines = (path / "rejected.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"reason": "größer", "event": {"event_id": "a", "data": {"line": "größe"}}},
        {"reason": "unreadable", "event": "garbage \ufffd"},
        {"reason": "x", "event": deep.decode()},
    ]
    assert run.has_dead_letters


class _TooDeep(Sequence[bool]):
    """For each depth, whether this Python refuses to parse it."""

    def __len__(self) -> int:
        return 200_000

    def __getitem__(self, depth: Any) -> Any:
        try:
            json.loads("[" * depth + "]" * depth)
        except RecursionError:
            return True
        return False


def test_event_nested_to_any_depth_is_a_dead_letter_of_one_line(
    path: Path, run: RunDirectory
) -> None:
    # What this Python can just still parse, it cannot write any more with something around it.
    deepest = bisect.bisect_left(_TooDeep(), True)
    depths = range(deepest - 60, deepest + 60)
    for depth in depths:
        run.set_aside([DeadLetter(Line(b"[" * depth + b"]" * depth, None), "x")])

    assert len((path / "rejected.jsonl").read_bytes().splitlines()) == len(depths)


def test_dead_letter_with_a_bare_nan_is_strict_json(path: Path, run: RunDirectory) -> None:
    run.set_aside([DeadLetter(read_line(b'{"event_id":"a","x":[NaN]}'), "bad")])

    (line,) = (path / "rejected.jsonl").read_bytes().splitlines()
    assert json.loads(line, parse_constant=pytest.fail) == {
        "reason": "bad",
        "event": '{"event_id":"a","x":[NaN]}',
    }


def test_text_that_no_utf_8_can_carry_is_a_dead_letter_too(path: Path, run: RunDirectory) -> None:
    run.set_aside([DeadLetter(read_line(b'{"a":"\\ud800"}'), "\udcff")])

    line = (path / "rejected.jsonl").read_text("utf-8")
    assert json.loads(line) == {"reason": "?", "event": {"a": "?"}}


def test_no_dead_letters_leave_no_trace(path: Path, run: RunDirectory) -> None:
    run.set_aside([])

    assert not run.has_dead_letters
    assert not (path / "rejected.jsonl").exists()


def test_beat_is_seen_by_the_time_of_its_file(path: Path, run: RunDirectory) -> None:
    run.beat()
    os.utime(path / "heartbeat", (0, 0))

    run.beat()

    assert (path / "heartbeat").stat().st_mtime > 1_000_000_000
    assert (path / "heartbeat").read_bytes() == b""


def test_removed_run_is_gone_and_can_be_made_again(path: Path, run: RunDirectory) -> None:
    run.describe({})
    run.journal.append([EVENT])
    run.journal.move(run.journal.size)
    run.journal.save_position()
    run.beat()

    run.remove()

    assert _names(path.parent) == []
    RunDirectory.create(path, kept=False).release()


@posix
def test_removing_takes_links_and_not_what_they_lead_to(
    tmp_path: Path, path: Path, run: RunDirectory
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"x")
    (path / "link").symlink_to(tmp_path / "precious", target_is_directory=True)
    (path / "file").symlink_to(tmp_path / "precious" / "file")

    run.remove()

    assert not path.exists()
    assert (tmp_path / "precious" / "file").read_bytes() == b"x"


def test_removing_stops_at_a_directory_that_somebody_else_put_there(
    path: Path, run: RunDirectory
) -> None:
    (path / "notes").mkdir()

    with pytest.raises(OSError):
        run.remove()

    assert _names(path) == ["notes"]


@pytest.mark.parametrize(
    ("kept", "dead", "stays"),
    [(False, False, False), (False, True, True), (True, False, True), (True, True, True)],
)
def test_finished_run_goes_unless_somebody_may_want_to_look(
    path: Path, kept: bool, dead: bool, stays: bool
) -> None:
    run = RunDirectory.create(path, kept)
    run.set_aside([DeadLetter(read_line(EVENT), "bad")] if dead else [])

    run.finish()

    assert path.exists() is stays
    if stays:
        lock = RunLock.acquire(path / "lock", private=False)
        assert lock is not None
        lock.release()


def test_dead_letters_that_the_disk_refuses_are_kept_once_it_takes_them(
    path: Path, run: RunDirectory
) -> None:
    (path / "rejected.jsonl").mkdir()
    with pytest.raises(OSError):
        run.set_aside([DeadLetter(read_line(EVENT), "bad")])
    assert run.stays
    (path / "rejected.jsonl").rmdir()

    run.finish()

    (line,) = (path / "rejected.jsonl").read_bytes().splitlines()
    assert json.loads(line)["reason"] == "bad"


@posix
def test_run_that_cannot_move_goes_on_where_it_is(
    tmp_path: Path, path: Path, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.journal.append([EVENT])

    def refuse(self: Journal, directory: Path, whole: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "move_to", refuse)
    with pytest.raises(OSError):
        run.move_to(tmp_path / "spill" / "b2", {})

    assert _names(tmp_path / "spill") == ["b1"]
    assert run.path == path
    assert RunDirectory.recover(path, kept=False) is None


@posix
def test_moved_run_is_described_and_held(tmp_path: Path, path: Path, run: RunDirectory) -> None:
    run.journal.append([EVENT])
    shutil.rmtree(path)
    again = tmp_path / "spill" / "b2"

    run.move_to(again, {"batch_id": "b1"})

    assert sidecar.read(again)["batch_id"] == "b1"
    assert (again / "events.jsonl").read_bytes() == EVENT + b"\n"
    assert RunDirectory.recover(again, kept=False) is None
    RunDirectory.create(path, kept=False).release()  # nobody holds the old one


@posix
def test_descriptors_are_given_back(path: Path) -> None:
    first = os.open(os.devnull, os.O_RDONLY)
    os.close(first)
    for kept in (False, True, False):
        run = RunDirectory.create(path, kept)
        run.journal.append([EVENT])
        reader = run.journal.read_from(0)
        reader.take(1, 1000)
        reader.close()
        run.media.pending()
        run.release() if kept else run.remove()

    again = os.open(os.devnull, os.O_RDONLY)
    os.close(again)
    assert again == first
