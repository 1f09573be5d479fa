"""Lines come out whole however they were cut; what is no event is told apart."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from argus.core.events import Encoder
from argus.core.jsonl import (
    Line,
    LineSplitter,
    own_line,
    parsed_object,
    parsed_objects,
    read_line,
    total_size,
)


def test_own_line_and_read_line_agree() -> None:
    record: Any = ("log_line", 1.0, "j", {"line": "é"}, None)
    data = Encoder("b", {"project": "p"}, bytes(10)).encode(record)

    assert own_line(data) == read_line(data)
    assert own_line(data) == Line(data, "00000000-0000-8000-8000-000000000001")


@pytest.mark.parametrize(
    ("data", "event_id"),
    [
        (b'{"event_id":"a","schema_version":"1.1"}', "a"),
        (b' {"schema_version": "1.1", "event_id" : "a"} \r', "a"),
        (b'{"event_id":"a","schema_version":"1.0"}', None),
        (b'{"event_id":"a"}', None),
        (b'{"event_id":5}', None),
        (b"{}", None),
        (b"[]", None),
        (b"null", None),
        (b"", None),
        (b'{"event_id":"a"', None),
        (b'{"event_id":"\xff"}', None),
        (b"\x00" * 64, None),
        (b"[" * 100_000, None),
        (b"9" * 5_000, None),
    ],
)
def test_line_without_an_event_has_no_id(data: bytes, event_id: str | None) -> None:
    assert read_line(data) == Line(data, event_id)


def test_size_counts_the_newline() -> None:
    assert Line(b"abc", None).size == 4


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}', {"a": 1}),
        (b"[1]", None),
        (b"{", None),
        (b"\xff", None),
        (b'{"a":' * 100_000, None),
    ],
)
def test_parsed_object_is_an_object_or_nothing(data: bytes, expected: object) -> None:
    assert parsed_object(data) == expected


def test_torn_line_waits_for_the_rest_of_it() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b"ab") == []
    assert splitter.torn_bytes == 2
    assert splitter.feed(b"c\n\nd") == [b"abc", b""]
    assert splitter.torn_bytes == 1
    assert splitter.feed(b"") == []
    assert splitter.feed(b"\n") == [b"d"]
    assert splitter.torn_bytes == 0


@pytest.mark.parametrize("seed", range(5))
def test_lines_are_the_same_however_the_stream_is_cut(seed: int) -> None:
    random = Random(seed)
    lines = [bytes(random.choices(b"ab\r\x00", k=random.randrange(9))) for _ in range(200)]
    stream = b"".join(line + b"\n" for line in lines) + b"torn"
    splitter = LineSplitter()
    seen = []
    while stream:
        cut = random.randrange(12)
        seen += splitter.feed(stream[:cut])
        stream = stream[cut:]

    assert seen == lines
    assert splitter.torn_bytes == 4


def test_only_the_beginning_of_an_endless_line_is_kept() -> None:
    splitter = LineSplitter(max_bytes=10)
    assert splitter.feed(b"whole\nbegi") == [b"whole"]
    for _ in range(1_000):
        assert splitter.feed(b"ns with") == []
    assert splitter.torn_bytes == 7_004
    assert splitter.feed(b"\nnext\n") == [b"begins wit", b"next"]
    assert splitter.torn_bytes == 0


def test_line_that_is_not_all_in_memory_takes_its_whole_size_in_the_file() -> None:
    cut = Line(b"begins", None, left_out=94)

    assert cut.size == 101
    assert total_size([cut, Line(b"next", None)]) == 106


def test_own_lines_are_read_back_at_a_glance_and_damaged_ones_are_not() -> None:
    record: Any = ("job_epoch", 0.0, "j", {"x": "y" * 20}, None)
    whole = Encoder("b", {"project": "p"}, bytes(10)).encode(record)

    assert read_line(whole) == own_line(whole)
    in_id, in_schema = whole[:20] + b"\xff" + whole[21:], whole.replace(b'"1.1"', b'"1.3"')
    for damaged in (whole[:-1], whole[1:], b"", b"\xff" * 60, in_id, in_schema):
        assert read_line(damaged) == Line(damaged, None)
    for zeroed in (whole[:-30] + bytes(20) + whole[-10:], bytes(20) + whole[20:]):
        assert read_line(zeroed) == Line(zeroed, None)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b'{"a":1}', b'{"b":2}'],
        [b'{"a":1}', b"", b'{"b":2}'],
        [b'{"a":1},{"a":2}', b'{"b":2}'],
        [b'{"a":1', b'{"b":2}'],
        [b"[1]", b"7", b'{"a":"\xff"}', b'{"b":2}'],
        [b"[" * 100_000, b'{"b":2}'],
        [b"NaN", b'{"a":NaN}'],
    ],
)
def test_lines_together_are_what_each_is_alone(lines: list[bytes]) -> None:
    assert repr(parsed_objects(lines)) == repr([parsed_object(line) for line in lines])
