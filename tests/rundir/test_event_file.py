from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argus.core.jsonl import Line
from argus.rundir.event_file import EventFile


def as_it_is(data: bytes, at: int) -> Line:
    return Line(data, f"at {at}")


class Reading:
    """An event file in a directory of its own, and the positions that it has saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved: list[int] = []
        self.opened: list[EventFile] = []

    def open(self, data: bytes, start: int = 0, is_closed: bool = True) -> EventFile:
        self.path.write_bytes(data)
        file = EventFile(self.path, start, as_it_is, self.saved.append, is_closed)
        self.opened.append(file)
        return file


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    reading = Reading(tmp_path / "events.jsonl")
    yield reading
    for file in reading.opened:
        file.close()


def lines_of(file: EventFile, start: int = 0) -> list[tuple[bytes, str | None]]:
    return [(line.data, line.event_id) for line in file.read_from(start).take(100, 1_000_000)]


def test_whole_lines_are_read_each_with_its_place(reading: Reading):
    file = reading.open(b"a\nbc\n{", is_closed=False)
    assert lines_of(file) == [(b"a", "at 0"), (b"bc", "at 2")]
    assert (file.size, file.torn_bytes, file.count_left()) == (5, 1, 2)


def test_what_is_appended_waits_for_the_next_look(reading: Reading):
    file = reading.open(b"a\n", is_closed=False)
    reader = file.read_from(0)
    assert len(reader.take(100, 1_000)) == 1
    with reading.path.open("ab") as growing:
        growing.write(b"b\nc\n")
    assert reader.take(100, 1_000) == []
    file.look()
    assert [line.data for line in reader.take(100, 1_000)] == [b"b", b"c"]


@pytest.mark.parametrize("pieces", [1, 2, 100])
def test_a_last_line_without_its_newline_counts_where_it_is_an_object(
    reading: Reading, pieces: int
):
    file = reading.open(b'{"a":1}\n{"b":2}')
    assert (file.size, file.torn_bytes, file.count_left()) == (16, 0, 2)
    reader = file.read_from(0)
    found = [line.data for _ in range(4) for line in reader.take(pieces, 1_000)]
    assert found == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("tail", [b'{"b":', b"text", b"7"])
def test_any_other_last_line_is_torn(reading: Reading, tail: bytes):
    file = reading.open(b'{"a":1}\n' + tail)
    assert (file.size, file.torn_bytes) == (8, len(tail))


def test_nobody_closes_the_last_line_of_a_file_that_is_being_written(reading: Reading):
    assert reading.open(b'{"a":1}\n{"b":2}', is_closed=False).torn_bytes == 7


@pytest.mark.parametrize(("start", "position"), [(0, 0), (2, 2), (5, 5), (1, 0), (6, 0), (-1, 0)])
def test_it_begins_only_where_a_line_does(reading: Reading, start: int, position: int):
    assert reading.open(b"a\nbc\n", start).position == position


def test_a_position_is_saved_where_it_has_moved(reading: Reading):
    file = reading.open(b"a\nbc\n")
    file.save_position()
    file.move(2)
    file.save_position()
    file.save_position()
    assert (reading.saved, file.delivered_bytes, file.count_left()) == ([2], 2, 1)


def test_a_position_is_never_beyond_the_file(reading: Reading):
    file = reading.open(b'{"a":1}')
    file.move(file.size)
    file.save_position()
    assert reading.saved == [7]
    assert reading.open(b'{"a":1}', 7).position == 7


def test_it_cannot_be_written(reading: Reading):
    file = reading.open(b"a\n")
    for act in (lambda: file.append([b"x"]), file.drop_delivered):
        with pytest.raises(OSError, match="Read-only"):
            act()
    assert reading.path.read_bytes() == b"a\n"


def test_it_notices_that_another_file_stands_there(reading: Reading):
    file = reading.open(b"a\n")
    assert file.is_in_place
    os.replace(reading.path, reading.path.with_name("moved"))
    assert not file.is_in_place
    reading.path.write_bytes(b"a\n")
    assert not file.is_in_place
