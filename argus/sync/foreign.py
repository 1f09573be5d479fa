"""Events that others have written, put right as far as their meaning is clear.

Pure: a line in, a line of the contract out. What was written without an id gets one out of its
content and its place, so that a second reading makes the same event of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from argus.core import schema
from argus.core.contract import envelope_error
from argus.core.events import encode_data, utc_second
from argus.core.identity import event_id_prefix, fit_id
from argus.core.jsonl import Line, looks_like_ours, own_line, parsed_object

DEFAULT_PROJECT = "default"  # as a reporter has it that is told none
_OWN_KEYS = ("event_id", "schema_version", "event_type", "timestamp", "batch_id", "job_id")
_KNOWN_MAJOR = "1"
_LATEST_S = 253_402_300_799  # the last second of the year 9999
_BAD_ID = envelope_error({"event_id": None})
_FRACTION = re.compile(r"\.(\d+)")


class NoEventError(ValueError):
    """The line cannot be made an event; the message says why."""


def event_line(data: bytes, at: int) -> Line:
    """The event in a line that begins `at` bytes into its file; one without an id where there is
    none in it."""
    if looks_like_ours(data):
        return own_line(data)
    try:
        event = put_right(data, at)
        fresh = encoded(event)
    except (NoEventError, RecursionError):
        return Line(data, None)
    return Line(fresh, event["event_id"], len(data) - len(fresh))


def encoded(event: Mapping[str, Any]) -> bytes:
    """The wire line of an event."""
    return encode_data(dict(event)).encode("utf-8", "replace")


def put_right(data: bytes, at: int) -> dict[str, Any]:
    """The event in a line, valid by the contract as far as its envelope goes. Raises NoEventError."""
    data = data.strip(b"\0")  # of blocks that were never written: a power cut leaves them
    found = parsed_object(data)
    if found is None:
        raise NoEventError("no JSON object")
    if "event_type" not in found and isinstance(found.get("event"), dict):
        found = found["event"]  # a dead letter, which stands beside its reason
    _check_version(found.get("schema_version"))
    event_type = found.get("event_type")
    if not isinstance(event_type, str) or event_type not in schema.EVENT_TYPES:
        raise NoEventError(f"event_type {_shown(event_type)} is none that a platform takes")
    event = {
        "event_id": _event_id(found.get("event_id"), data, at),
        "schema_version": schema.SCHEMA_VERSION,
        "event_type": event_type,
        "timestamp": _timestamp(found.get("timestamp")),
        "batch_id": _id(found.get("batch_id"), schema.MAX_BATCH_ID),
        "job_id": None,
        "source": _source(found.get("source")),
        "data": _data(found),
    }
    if event_type in schema.JOB_EVENTS:
        event["job_id"] = _id(found.get("job_id"), schema.MAX_JOB_ID)
    error = envelope_error(event)
    if error is not None:
        raise NoEventError(f"{error[0]} {error[1]}")
    return event


def derived_id(*facts: str | bytes) -> str:
    """An event id out of facts: the same from the same ones."""
    digest = hashlib.sha256()
    for fact in facts:
        content = fact if isinstance(fact, bytes) else fact.encode("utf-8", "replace")
        digest.update(b"%d:" % len(content) + content)
    raw = digest.digest()
    return event_id_prefix(raw[:10]) + raw[10:16].hex()


def _check_version(version: Any) -> None:
    """Refuse what a later version may mean otherwise. Before 1.1 only the ids were missing."""
    if version is not None and str(version).partition(".")[0] != _KNOWN_MAJOR:
        raise NoEventError(f"schema_version {_shown(version)} is not known to this version")


def _event_id(given: Any, data: bytes, at: int) -> str:
    if isinstance(given, str) and envelope_error({"event_id": given}) != _BAD_ID:
        return given
    return derived_id(data, str(at))


def _timestamp(given: Any) -> str:
    if isinstance(given, str):
        return _utc_text(given.strip())
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if is_number and 0 <= given <= _LATEST_S:  # which NaN is not
        return f"{utc_second(given)}.{int(given % 1 * 1e6):06d}Z"
    raise NoEventError(f"timestamp {_shown(given)} is no time")


def _utc_text(text: str) -> str:
    """A time of ISO 8601 in UTC; one that names no zone is taken for UTC."""
    plain = text[:-1] if text[-1:] in ("Z", "z") else text
    # Python 3.9 reads three or six digits of a second, and no others.
    plain = _FRACTION.sub(lambda match: f".{match[1][:6]:0<6}", plain, count=1)
    try:
        moment = datetime.fromisoformat(plain)
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise NoEventError(f"timestamp {_shown(text)} is no time") from None
    return moment.isoformat(timespec="microseconds") + "Z"


def _id(given: Any, limit: int) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return fit_id(given, limit) if isinstance(given, str) and given else None


def _source(given: Any) -> dict[str, str]:
    if isinstance(given, str):
        return {"project": given or DEFAULT_PROJECT}
    items = given.items() if isinstance(given, dict) else ()
    known = {
        key: str(value) for key, value in items if key in schema.SOURCE_KEYS and value is not None
    }
    return {"project": DEFAULT_PROJECT, **known}


def _data(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the event says, and what stands beside it where the contract has no place for it."""
    given = found.get("data")
    if given is not None and not isinstance(given, dict):
        raise NoEventError("data is no object")
    beside = {
        key: value
        for key, value in found.items()
        if key not in _OWN_KEYS
        and key not in ("source", "data")
        and key not in schema.RESERVED_KEYS
    }
    return {**beside, **(given or {})}


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:60]
