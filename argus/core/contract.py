"""The wire contract as a judge: what a platform says to an envelope and to its `data`.

Written from the platform's side, with nothing put right: the monitor answers by it, and the tests
hold every event that leaves against it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Optional

from argus.core import schema
from argus.core.jsonl import parsed_objects

_SOURCE_KEYS = frozenset(schema.SOURCE_KEYS)
_GROUP = 512  # lines that are parsed together

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The seconds in the calendar's own limits, but for the number of days of a month.
_TIMESTAMP = re.compile(
    r"((?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d{1,9})?Z",
    re.ASCII,
)
_ALWAYS_A_DAY = "28"
_ENVELOPE_KEYS = frozenset(
    {
        "event_id",
        "schema_version",
        "event_type",
        "timestamp",
        "batch_id",
        "job_id",
        "source",
        "data",
    }
)


def envelope_error(event: Any) -> tuple[str, str] | None:
    """The first thing wrong with an event's envelope, as (field, message); None for a good one.

    The version of the schema is not looked at: a platform answers that with a status of its own.
    """
    if not isinstance(event, dict):
        return "", "an event must be an object"
    if not _ENVELOPE_KEYS.issuperset(event):
        return str(next(key for key in event if key not in _ENVELOPE_KEYS)), "no such field"
    for key, check in _ENVELOPE_CHECKS:
        message = check(event.get(key))
        if message:
            return key, message
    return _job_id_error(event["event_type"], event.get("job_id"))


def valid_events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events among the lines of an event file. What else stands there is passed over."""
    left = iter(lines)
    while group := list(islice(left, _GROUP)):
        for event in parsed_objects(group):
            if event is not None and envelope_error(event) is None:
                yield event


def data_error(event_type: str, data: dict[str, Any]) -> str | None:
    """What is wrong with the `data` of an event of a known type; None where it is accepted."""
    for name in schema.REQUIRED.get(event_type, ()):
        if data.get(name) is None:
            return f"missing: {name}"
    for name, kind in schema.FIELDS[event_type].items():
        value = data.get(name)
        if value is not None and not _KINDS[kind](value):
            return f"wrong type: {name} must be {kind}"
    return None


def _job_id_error(event_type: str, job_id: Any) -> tuple[str, str] | None:
    if event_type not in schema.JOB_EVENTS:
        return ("job_id", "must be null for a batch event") if job_id is not None else None
    if not isinstance(job_id, str) or not 1 <= len(job_id) <= schema.MAX_JOB_ID:
        return "job_id", f"must be a string of 1 to {schema.MAX_JOB_ID} characters"
    return None


def _event_id_error(value: Any) -> str | None:
    good = isinstance(value, str) and _UUID.fullmatch(value)
    return None if good else "must be UUID-shaped"


def _event_type_error(value: Any) -> str | None:
    good = isinstance(value, str) and value in schema.EVENT_TYPES
    return None if good else f"must be one of {', '.join(sorted(schema.EVENT_TYPES))}"


def _timestamp_error(value: Any) -> str | None:
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    try:
        if match and (value[8:10] <= _ALWAYS_A_DAY or datetime.fromisoformat(match[1])):
            return None
    except ValueError:
        pass  # the 31st of February: the message below says what is wanted
    return "must be ISO 8601 in UTC with Z"


def _batch_id_error(value: Any) -> str | None:
    good = isinstance(value, str) and 1 <= len(value) <= schema.MAX_BATCH_ID
    return None if good else f"must be a string of 1 to {schema.MAX_BATCH_ID} characters"


def _source_error(value: Any) -> str | None:
    if not isinstance(value, dict) or not isinstance(value.get("project"), str):
        return "must be an object with a project"
    for key, item in value.items():
        if key not in _SOURCE_KEYS:
            return f"no such field: {key}"
        if not (isinstance(item, str) or (item is None and key != "project")):
            return f"{key} must be a string"
    return None


def _data_shape_error(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


_ENVELOPE_CHECKS: tuple[tuple[str, Callable[[Any], Optional[str]]], ...] = (
    ("event_id", _event_id_error),
    ("event_type", _event_type_error),
    ("timestamp", _timestamp_error),
    ("batch_id", _batch_id_error),
    ("source", _source_error),
    ("data", _data_shape_error),
)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and _within_float_range(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value in schema.NON_FINITE
    if isinstance(value, float):
        return math.isfinite(value)  # a bare NaN token is no JSON
    return _is_integer(value)


def _within_float_range(value: int) -> bool:
    return value.bit_length() <= 1023


_KINDS: dict[str, Callable[[Any], bool]] = {
    schema.INTEGER: _is_integer,
    schema.NUMBER: _is_number,
    schema.TEXT: lambda value: isinstance(value, str),
    schema.BOOLEAN: lambda value: isinstance(value, bool),
    schema.OBJECT: lambda value: isinstance(value, dict),
    schema.TEXTS: lambda value: (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    ),
}
