"""Every line that the encoder makes is valid by the contract, whatever the caller gave."""

from __future__ import annotations

import enum
import json
import math
from collections import deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from argus.core import contract, schema
from argus.core.events import EVENT_ID, Encoder, encode_data, utc_second
from argus.core.fields import fitted, standard_event
from argus.core.identity import fit_id
from argus.core.values import bounded_text

SOURCE = {"project": "demo", "host": "node-12"}
AT = 1_776_936_186.123456  # 2026-04-23T09:23:06Z


class Name(str, enum.Enum):
    EPOCH = "job_epoch"


def _encoder() -> Encoder:
    return Encoder("bench-1", SOURCE, bytes(range(10)))


def _encode(encoder: Encoder, *record: Any) -> bytes:
    bare: Any = record  # at run time a record is a bare tuple
    return encoder.encode(bare)


def _no_constant(token: str) -> None:
    raise AssertionError(f"{token} is no JSON")


def _parsed(line: bytes) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    return event


def test_line_holds_the_whole_envelope() -> None:
    line = _encode(_encoder(), "job_epoch", AT, "j1", {"epoch": 7, "train_loss": 0.32}, None)

    event = _parsed(line)

    assert list(event) == [
        "event_id",
        "schema_version",
        "event_type",
        "timestamp",
        "batch_id",
        "job_id",
        "source",
        "data",
    ]
    assert event == {
        "event_id": "00010203-0405-8060-b080-000000000001",
        "schema_version": "1.1",
        "event_type": "job_epoch",
        "timestamp": "2026-04-23T09:23:06.123456Z",
        "batch_id": "bench-1",
        "job_id": "j1",
        "source": SOURCE,
        "data": {"epoch": 7, "train_loss": 0.32},
    }
    assert b"\n" not in line


def test_event_id_stands_where_it_is_looked_for() -> None:
    line = _encode(_encoder(), "batch_done", AT, None, {}, None)

    assert line[EVENT_ID].decode() == _parsed(line)["event_id"]


def test_event_ids_never_repeat_and_count_up() -> None:
    encoder = _encoder()

    ids = [_encode(encoder, "log_line", AT, "j", {}, None)[EVENT_ID] for _ in range(300)]

    assert ids == sorted(set(ids))


def test_two_writers_do_not_share_an_id() -> None:
    first, second = Encoder("b", SOURCE, bytes(10)), Encoder("b", SOURCE, b"\x01" * 10)
    ids = {_encode(writer, "log_line", AT, "j", {}, None)[EVENT_ID] for writer in (first, second)}

    assert len(ids) == 2


def test_record_of_another_batch_keeps_its_batch() -> None:
    encoder = _encoder()

    own = _parsed(_encode(encoder, "batch_done", AT, None, {}, None))
    other = _parsed(_encode(encoder, "batch_done", AT, None, {}, "bench-2"))

    assert (own["batch_id"], other["batch_id"]) == ("bench-1", "bench-2")


def test_data_that_is_a_callable_is_asked_when_encoded() -> None:
    asked = []

    def data() -> dict[str, Any]:
        asked.append(1)
        return {"line": "late"}

    line = _encode(_encoder(), "log_line", AT, "j", data, None)

    assert _parsed(line)["data"] == {"line": "late"}
    assert asked == [1]


def test_thousands_of_jobs_each_keep_their_id() -> None:
    encoder = _encoder()
    jobs = [f"j{number}" for number in range(3000)] * 2

    seen = [_parsed(_encode(encoder, "log_line", AT, job, {}, None))["job_id"] for job in jobs]

    assert seen == jobs


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (-5.0, "1970-01-01T00:00:00.000000Z"),
        (0.9999999999999999, "1970-01-01T00:00:00.999999Z"),
        (1_776_936_186.9999998, "2026-04-23T09:23:06.999999Z"),
        (1_776_936_187.0, "2026-04-23T09:23:07.000000Z"),
        (951_782_400.5, "2000-02-29T00:00:00.500000Z"),
        (1e18, "9999-12-31T23:59:59.000000Z"),
        (math.inf, "9999-12-31T23:59:59.000000Z"),
        (math.nan, "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_timestamps_are_iso_8601_in_utc(timestamp: float, text: str) -> None:
    assert (
        _parsed(_encode(_encoder(), "batch_done", timestamp, None, {}, None))["timestamp"] == text
    )


def test_timestamps_that_jump_back_are_told_as_they_are() -> None:
    encoder = _encoder()

    texts = [
        _parsed(_encode(encoder, "batch_done", at, None, {}, None))["timestamp"][-10:]
        for at in (5.25, 5.5, 4.75, 5.0)
    ]

    assert texts == ["05.250000Z", "05.500000Z", "04.750000Z", "05.000000Z"]


def test_utc_second_is_what_datetime_says() -> None:
    random = Random(7)
    for _ in range(200):
        second = random.randrange(253_402_300_799)
        expected = datetime(1970, 1, 1) + timedelta(seconds=second)
        assert utc_second(second) == expected.isoformat()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "{}"),
        ({"a": math.nan}, '{"a":"NaN"}'),
        ({"a": [math.inf, {"b": -math.inf}, 0.5]}, '{"a":["Infinity",{"b":"-Infinity"},0.5]}'),
        ({"a": 10**400}, '{"a":"Infinity"}'),
        ({"a": [2**1023, -(2**1023)]}, '{"a":["Infinity","-Infinity"]}'),
        ({"a": 2**1023 - 1}, f'{{"a":{2**1023 - 1}}}'),
        ({"a": [-(10**5000)]}, '{"a":["-Infinity"]}'),
        ({"a": 2**64, "b": True, "c": None}, '{"a":18446744073709551616,"b":true,"c":null}'),
        ({"a": 'é\n"\\\u2028'}, '{"a":"é\\n\\"\\\\\u2028"}'),
    ],
    ids=["empty", "nan", "nested", "huge", "too_large", "largest", "unprintable", "plain", "text"],
)
def test_data_is_strict_json(data: dict[str, Any], text: str) -> None:
    assert encode_data(data) == text


def test_lone_surrogate_is_replaced_wherever_it_stands() -> None:
    encoder = Encoder("b\udc80", {"project": "p\ud800"}, bytes(10))

    event = _parsed(_encode(encoder, "log_line", AT, "j\udfff", {"line\ud83d": "x\ude00"}, None))

    assert event["batch_id"] == "b?"
    assert event["source"] == {"project": "p?"}
    assert event["job_id"] == "j?"
    assert event["data"] == {"line?": "x?"}


@pytest.mark.parametrize("event_type", sorted(schema.EVENT_TYPES))
def test_standard_event_gives_a_job_id_to_those_that_need_one(event_type: str) -> None:
    needs = event_type in schema.JOB_EVENTS

    assert standard_event(event_type, {"a": 1}, "j1", "b1") == (
        event_type,
        "j1" if needs else None,
        {"a": 1},
    )
    assert standard_event(event_type, {}, None, "b1")[1] == ("b1" if needs else None)
    assert standard_event(event_type, {}, "", "b1")[1] == ("b1" if needs else None)


def test_event_of_an_unknown_name_becomes_a_log_line() -> None:
    assert standard_event("checkpoint", {"path": "a.pt"}, "j1", "b1") == (
        "log_line",
        "j1",
        {"line": "checkpoint", "level": "info", "event": "checkpoint", "path": "a.pt"},
    )


def test_own_line_of_an_event_of_an_unknown_name_wins() -> None:
    _, _, data = standard_event("tick", {"line": "heartbeat", "level": "debug"}, None, "b1")

    assert data == {"line": "heartbeat", "level": "debug", "event": "tick"}


def test_event_name_of_a_string_enum_is_its_value() -> None:
    event_type, job_id, data = standard_event(Name.EPOCH, {"epoch": 1}, "j1", "b1")

    event = _parsed(_encode(_encoder(), event_type, AT, job_id, data, None))

    assert contract.envelope_error(event) is None
    assert event["event_type"] == "job_epoch"


@pytest.mark.parametrize("name", [None, 5, ["job_epoch"], b"job_epoch"])
def test_event_name_that_is_no_text_becomes_a_log_line_of_its_text(name: Any) -> None:
    event_type, _, data = standard_event(name, {}, "j1", "b1")

    assert event_type == "log_line"
    assert data["line"] == str(name)


# The fuzz: hostile names, ids, keys and values, of which nothing but valid lines may come.


class Hostile:
    """Each of its answers is an error or nonsense, as the script of the fuzz has it."""

    def __init__(self, error: BaseException, size: Any) -> None:
        self._error = error
        self.size = size
        self.shape = (2, 2)

    def _raise(self, *_: Any) -> Any:
        raise self._error

    __str__ = __repr__ = __float__ = __index__ = item = tolist = _raise


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self

    __len__ = __format__ = Hostile._raise


class Holder:
    size = 1

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


_TEXTS = [
    "",
    "loss",
    "NaN",
    "1e999",
    "12",
    "true",
    "\ud800x",
    "\x00\n\u2028",
    "é" * 300,
    "x" * 20_000,
]
_LEAVES: list[Any] = [
    None,
    True,
    0,
    -7,
    10**400,
    -(10**5000),
    0.5,
    1.7e308,
    math.nan,
    math.inf,
    -math.inf,
    b"\xff\x00",
    Decimal("sNaN"),
    timedelta.max,
    datetime(2026, 1, 1, tzinfo=timezone.utc),
    Name.EPOCH,
    Loud("train_loss"),
    object(),
    Hostile,
    range(3),
    *_TEXTS,
]
_NAMES: list[Any] = [
    *sorted(schema.EVENT_TYPES),
    "checkpoint",
    "",
    Name.EPOCH,
    Loud("x"),
    None,
    "\ud800" * 9,
]
_KEYS = [
    *sorted({name for fields in schema.FIELDS.values() for name in fields}),
    *_TEXTS,
    "timestamp",
    "ts",
    "event",
    Loud("lr"),
]


def _value(random: Random, depth: int = 0) -> Any:
    if depth > 3 or random.random() < 0.5:
        return random.choice(_LEAVES)
    items = [_value(random, depth + 1) for _ in range(random.randrange(3))]
    shape = random.randrange(6)
    if shape == 0:
        return Holder(items)
    if shape == 1:
        errors = [ValueError(), SystemExit(), RecursionError(), MemoryError()]
        return Hostile(random.choice(errors), random.choice([0, 1, 2, None, -1]))
    if shape == 2:
        items.append(items)  # a cycle
        return items
    if shape == 3:
        return {random.choice([*_KEYS[-8:], 5, None, (1,)]): item for item in items}
    return deque(items) if shape == 4 else tuple(items)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_goes_in_comes_out_as_a_line_that_the_platform_takes(seed: int) -> None:
    random = Random(seed)
    encoder = _encoder()
    for _ in range(1000):
        fields = {random.choice(_KEYS): _value(random) for _ in range(random.randrange(6))}
        job = random.choice([None, "", "j1", "\ud800" * 300, 5, Loud("j2")])
        job_id = None if job is None else fit_id(bounded_text(job), schema.MAX_JOB_ID)

        event_type, job_id, fields = standard_event(
            random.choice(_NAMES), fields, job_id, "bench-1"
        )
        data, _ = fitted(event_type, fields)
        line = _encode(encoder, event_type, random.uniform(-1, 5e11), job_id, data, None)

        event = _parsed(line)
        assert b"\n" not in line
        assert contract.envelope_error(event) is None, fields
        error = contract.data_error(event_type, event["data"])
        assert error is None or (error == "missing: epoch" and "epoch" not in data), fields
