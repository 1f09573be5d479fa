"""The event file holds whole lines only, and the position never claims more than is true."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import argus
from argus.core.jsonl import Line, total_size
from argus.rundir import files
from argus.rundir import journal as journal_module
from argus.rundir.journal import Journal

posix = pytest.mark.skipif(os.name == "nt", reason="limits, modes and links are those of POSIX")
ALL = 1 << 40


def _event(name: str) -> bytes:
    return json.dumps({"event_id": name, "schema_version": "1.1"}).encode()


A, B, C = _event("a"), _event("b"), _event("c")
THREE = A + b"\n" + B + b"\n" + C + b"\n"
SIZE = len(A) + 1


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, private=True)
    yield journal
    journal.close()


def _reopened(directory: Path) -> tuple[int, int, list[bytes]]:
    """What the next one finds: size, position, and the lines from there."""
    journal = Journal(directory, private=True)
    lines = _read(journal, journal.position)
    journal.close()
    return journal.size, journal.position, lines


def _read(journal: Journal, offset: int) -> list[bytes]:
    reader = journal.read_from(offset)
    lines = reader.take(1_000_000, ALL)
    reader.close()
    return [line.data for line in lines]


def test_new_journal_is_empty(tmp_path: Path, journal: Journal) -> None:
    assert (journal.size, journal.position) == (0, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]


def test_lines_are_in_the_file_as_they_came(tmp_path: Path, journal: Journal) -> None:
    journal.append([A, B])
    journal.append([])
    journal.append([C])

    assert (tmp_path / "events.jsonl").read_bytes() == THREE
    assert journal.size == len(THREE)


def test_position_is_found_again(tmp_path: Path, journal: Journal) -> None:
    journal.append([A, B, C])
    journal.move(SIZE)
    journal.save_position()
    journal.move(SIZE)
    journal.save_position()
    journal.close()

    assert (tmp_path / "delivered").read_bytes() == b"%d\n" % (2 * SIZE)
    assert _reopened(tmp_path) == (3 * SIZE, 2 * SIZE, [C])


@pytest.mark.parametrize("delivered", [0, 1, 2, 3])
def test_file_begins_anew_with_what_is_not_delivered(
    tmp_path: Path, journal: Journal, delivered: int
) -> None:
    journal.append([A, B, C])
    journal.move(delivered * SIZE)
    journal.save_position()
    reader = journal.read_from(delivered * SIZE)

    journal.drop_delivered()
    journal.append([A])

    left = [*[A, B, C][delivered:], A]
    assert (journal.size, journal.position) == (4 * SIZE, delivered * SIZE)
    assert (journal.file_bytes, journal.delivered_bytes) == (len(left) * SIZE, 0)
    assert [line.data for line in reader.take(10, 10_000)] == left
    assert (tmp_path / "delivered").read_bytes() == b"0\n"
    assert _reopened(tmp_path) == (len(left) * SIZE, 0, left)
    journal.move(SIZE)
    journal.save_position()
    assert _reopened(tmp_path)[1] == SIZE


def test_file_that_cannot_be_replaced_stays_as_it_is(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([A, B, C])
    journal.move(SIZE)

    def refuse(source: Path, target: Path) -> None:
        if target.name == "events.jsonl":
            raise PermissionError(13, "it is open")
        real(source, target)

    real = os.replace
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        journal.drop_delivered()

    journal.append([A])
    journal.save_position()
    assert (journal.size, journal.position) == (4 * SIZE, SIZE)
    assert _reopened(tmp_path) == (4 * SIZE, SIZE, [B, C, A])


def test_crash_before_the_file_is_replaced_only_repeats(tmp_path: Path, journal: Journal) -> None:
    journal.append([A])
    journal.move(SIZE)
    journal.save_position()
    (tmp_path / "delivered").write_bytes(b"0\n")

    assert _reopened(tmp_path) == (SIZE, 0, [A])


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\n",
        b"garbage",
        b"\xff\x00",
        b"-20\n",
        b"0\n",
        b"1e1",
        b"%d\n" % (SIZE - 1),
        b"%d\n" % (SIZE + 1),
        b"%d\n" % (3 * SIZE + 1),
        b"9" * 30,
        b"9" * 5000,
    ],
    ids=ascii,
)
def test_position_that_is_none_of_this_file_only_repeats(tmp_path: Path, stored: bytes) -> None:
    (tmp_path / "events.jsonl").write_bytes(THREE)
    (tmp_path / "delivered").write_bytes(stored)

    assert _reopened(tmp_path) == (3 * SIZE, 0, [A, B, C])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_position_after_a_whole_line_is_believed(tmp_path: Path, count: int) -> None:
    (tmp_path / "events.jsonl").write_bytes(THREE)
    (tmp_path / "delivered").write_bytes(b"%d" % (count * SIZE))

    assert _reopened(tmp_path) == (3 * SIZE, count * SIZE, [A, B, C][count:])


def test_position_that_is_no_file_only_repeats(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(THREE)
    (tmp_path / "delivered").mkdir()

    assert _reopened(tmp_path) == (3 * SIZE, 0, [A, B, C])


@pytest.mark.parametrize(
    ("whole", "torn"),
    [
        (b"", A[:5]),
        (b"\n", A[:5]),
        (THREE, A),  # all but its newline
        (THREE, b"\x00" * 300_000),  # what a power cut leaves, longer than one read
        (THREE, b"x" * 262_144),
    ],
    ids=["only", "empty", "newline", "zeros", "one_read"],
)
def test_torn_last_line_is_ignored_and_does_not_spoil_the_next(
    tmp_path: Path, whole: bytes, torn: bytes
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(whole + torn)
    journal = Journal(tmp_path, private=True)

    assert journal.size == len(whole)
    assert b"".join(line + b"\n" for line in _read(journal, 0)) == whole
    assert path.read_bytes() == whole + torn  # looking changes nothing

    journal.append([B])
    journal.close()
    assert path.read_bytes() == whole + B + b"\n"


def test_garbage_in_the_middle_is_told_apart_and_harms_no_neighbour(tmp_path: Path) -> None:
    lines = [A, b"\xff\x00garbage", b"", b'{"event_id": 5}', b"[" * 50_000, C]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    journal = Journal(tmp_path, private=True)
    reader = journal.read_from(0)

    taken = reader.take(10, ALL)

    assert taken == [Line(A, "a"), *(Line(line, None) for line in lines[1:-1]), Line(C, "c")]
    assert sum(line.size for line in taken) == journal.size
    reader.close()
    journal.close()


_FULL_DISK = """
import json, resource, sys
from pathlib import Path
from argus.rundir.journal import Journal

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

path = Path(sys.argv[1])
events = path / "events.jsonl"
journal = Journal(path, private=True)
journal.append([b"one", b"two"])
said = []
for size in (8, 10, 17):  # no byte more, half a line, a line and a half
    limit(size)
    try:
        journal.append([b"three333", b"four4444"])
    except OSError as error:
        said.append([type(error).__name__, events.read_bytes().decode(), journal.size])
limit(resource.RLIM_INFINITY)
journal.append([b"five"])
said.append([None, events.read_bytes().decode(), journal.size])
print(json.dumps(said))
"""


@posix
def test_full_disk_in_the_middle_of_an_append_leaves_no_half_line(tmp_path: Path) -> None:
    root = str(Path(str(argus.__file__)).parents[1])

    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        check=True,
    )

    refused = ["OSError", "one\ntwo\n", 8]
    assert json.loads(done.stdout) == [refused, refused, refused, [None, "one\ntwo\nfive\n", 13]]


def test_reader_begins_where_it_is_told_and_goes_on_with_what_is_appended(
    journal: Journal,
) -> None:
    journal.append([A, B])
    reader = journal.read_from(SIZE)

    assert reader.take(10, ALL) == [Line(B, "b")]
    assert reader.take(10, ALL) == []

    journal.append([C, A])
    assert reader.take(1, ALL) == [Line(C, "c")]
    assert reader.take(10, ALL) == [Line(A, "a")]
    reader.close()


def test_reader_does_not_move_where_is_appended(tmp_path: Path, journal: Journal) -> None:
    journal.append([A])
    reader = journal.read_from(0)
    reader.take(1, ALL)
    other = journal.read_from(0)
    journal.append([B])
    other.take(1, ALL)
    journal.append([C])

    assert (tmp_path / "events.jsonl").read_bytes() == THREE
    assert [line.data for line in reader.take(10, ALL)] == [B, C]
    reader.close()
    other.close()


@pytest.mark.parametrize(
    ("max_events", "max_bytes", "count"),
    [(0, ALL, 0), (2, ALL, 2), (10, ALL, 3), (10, 1, 1), (10, SIZE, 1), (10, SIZE + 1, 2)],
)
def test_reader_takes_no_more_than_asked(
    journal: Journal, max_events: int, max_bytes: int, count: int
) -> None:
    journal.append([A, B, C])
    reader = journal.read_from(0)

    assert [line.data for line in reader.take(max_events, max_bytes)] == [A, B, C][:count]
    assert [line.data for line in reader.take(10, ALL)] == [A, B, C][count:]
    reader.close()


def test_lines_longer_than_one_read_come_out_whole(journal: Journal) -> None:
    lines = [_event("x" * size) for size in (600_000, 5, 262_144, 262_130)]
    journal.append(lines)

    assert _read(journal, 0) == lines


def test_journal_and_its_readers_go_on_in_another_directory(tmp_path: Path) -> None:
    for name, whole, expected in (("spilled", False, [B, C, A]), ("kept", True, [A, B, C, A])):
        for part in (name, name + "-again"):
            (tmp_path / part).mkdir()
        journal = Journal(tmp_path / name, private=True)
        journal.append([A, B, C])
        journal.move(SIZE)
        reader = journal.read_from(journal.position)
        assert [line.data for line in reader.take(1, ALL)] == [B]
        shutil.rmtree(tmp_path / name)
        assert not journal.is_in_place

        journal.move_to(tmp_path / (name + "-again"), whole)
        journal.append([A])
        assert journal.is_in_place
        assert [line.data for line in reader.take(10, ALL)] == [C, A]
        journal.move(SIZE)
        journal.save_position()
        journal.close()

        assert (tmp_path / (name + "-again") / "events.jsonl").read_bytes() == b"".join(
            line + b"\n" for line in expected
        )
        assert _reopened(tmp_path / (name + "-again"))[2] == [C, A]


def test_journal_that_cannot_move_is_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path, private=True)
    journal.append([A, B])

    with pytest.raises(OSError):
        journal.move_to(tmp_path / "nowhere", whole=False)

    assert journal.is_in_place
    journal.append([C])
    journal.close()
    assert (tmp_path / "events.jsonl").read_bytes() == THREE


@posix
def test_file_that_cannot_be_read_any_more_moves_as_one_dead_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, private=True)
    journal.append([A, B])
    (tmp_path / "again").mkdir()

    def stale(fd: int, size: int, offset: int) -> bytes:
        raise OSError(errno.ESTALE, "Stale file handle")  # NFS: another machine has removed it

    monkeypatch.setattr(files, "read_at", stale)
    journal.move_to(tmp_path / "again", whole=False)
    monkeypatch.undo()
    journal.append([C])

    assert journal.size == 3 * SIZE
    dead = Line(b"\0" * (2 * SIZE - 1), None)
    reader = journal.read_from(0)
    assert reader.take(10, ALL) == [dead, Line(C, "c")]
    journal.close()


@posix
@pytest.mark.parametrize("instead", ["nothing", "another file", "link", "directory"])
def test_file_that_is_not_where_it_was_is_noticed(tmp_path: Path, instead: str) -> None:
    journal = Journal(tmp_path, private=True)
    assert journal.is_in_place
    path = tmp_path / "events.jsonl"
    path.rename(tmp_path / "elsewhere")
    if instead == "another file":
        path.write_bytes(b"")
    elif instead == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif instead == "directory":
        path.mkdir()

    assert not journal.is_in_place
    journal.close()


@pytest.mark.parametrize("size", [700_000, 400_000])  # the latter ends where it gets too long
def test_line_that_memory_shall_not_hold_is_one_dead_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(journal_module, "MAX_LINE_BYTES", 300_000)
    monkeypatch.setattr(journal_module, "_SHOWN_BYTES", 5)
    journal = Journal(tmp_path, private=True)
    long = b"x" * size
    journal.append([A, long, B, long])

    reader = journal.read_from(0)
    lines = reader.take(10, ALL)

    cut = Line(b"xxxxx", None, left_out=size - 5)
    assert lines == [Line(A, "a"), cut, Line(B, "b"), cut]
    assert total_size(lines) == journal.size
    journal.close()


@posix
def test_files_are_private_or_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for name, private in (("own", True), ("kept", False)):
            (tmp_path / name).mkdir()
            journal = Journal(tmp_path / name, private)
            journal.append([A])
            journal.move(SIZE)
            journal.save_position()
            journal.close()
    finally:
        os.umask(before)

    modes = {
        name: sorted(path.stat().st_mode & 0o777 for path in (tmp_path / name).iterdir())
        for name in ("own", "kept")
    }
    assert modes == {"own": [0o600, 0o600], "kept": [0o644, 0o644]}


@posix
def test_link_in_place_of_the_event_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError):
        Journal(tmp_path, private=True)

    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_lost_or_confirmed_unread_over_crashes_at_any_byte(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    written: list[bytes] = []
    journal = Journal(tmp_path, private=True)
    for _ in range(40):
        if random.random() < 0.6:
            lines = [_event("e" * random.randrange(40)) for _ in range(random.randrange(4))]
            journal.append(lines)
            written += lines
        elif random.random() < 0.5:
            journal.move(sum(len(line) + 1 for line in _read(journal, journal.position)[:2]))
            journal.save_position()
        else:
            position = journal.position
            journal.close()
            with (tmp_path / "events.jsonl").open("ab") as file:
                file.write(_event("torn")[: random.randrange(12)])
            journal = Journal(tmp_path, private=True)
            assert journal.position == position

    assert _read(journal, 0) == written
    assert journal.size == sum(len(line) + 1 for line in written)
    journal.close()
