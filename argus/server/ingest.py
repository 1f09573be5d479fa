"""Events on their way in: what is refused as a whole, what alone, and what goes to which batch.

Judges by `argus.core.contract`; the store is asked only for what has passed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from argus.core.contract import data_error, envelope_error
from argus.core.schema import SCHEMA_VERSION
from argus.server.parsing import Received, problem
from argus.server.reply import RefusalError

Event = dict[str, Any]

_MAX_DEPTH = 64
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Arrival(NamedTuple):
    """An event that has passed, with its place in the request and the line that keeps it."""

    place: int
    event: Event
    line: bytes


class Stored(NamedTuple):
    """Where an event is kept: its number in its batch, and whether it came for the first time."""

    db_id: int
    is_new: bool


class EventStore(Protocol):
    """Where events go."""

    def add(self, batch_id: str, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Keep the events of one batch. Raises OSError where that fails: then none of them is."""


def check_batch(received: list[Received]) -> None:
    """Refuse a batch request with a malformed envelope in it, naming every one."""
    for item in received:
        _check_version(item.value)
    problems = []
    for index, item in enumerate(received):
        error = _envelope_problem(item)
        if error is not None:
            problems.append(_problem(["body", "events", index], error))
    if problems:
        raise RefusalError(422, problems)


def check_single(received: Received) -> None:
    """Refuse a single event with a malformed envelope."""
    _check_version(received.value)
    error = _envelope_problem(received)
    if error is not None:
        raise RefusalError(422, [_problem(["body"], error)])


def ingest(received: list[Received], store: EventStore) -> list[dict[str, Any]]:
    """Keep events whose envelopes are good, each alone. One result for each, in their order."""
    results: list[dict[str, Any]] = [{}] * len(received)
    batches: dict[str, list[Arrival]] = {}
    for place, (event, line) in enumerate(received):
        error = data_error(event["event_type"], event["data"])
        # A glance at the text tells nearly always.
        if line.count(b"{") + line.count(b"[") > _MAX_DEPTH and is_too_deep(event):
            error = "too deep: data is nested too deeply"
        if error is None:
            batches.setdefault(event["batch_id"], []).append(Arrival(place, event, line))
        else:
            results[place] = _result(event, "rejected", None, _item_error(error))
    for batch_id, arrivals in batches.items():
        for arrival, result in zip(arrivals, _keep(batch_id, arrivals, store)):
            results[arrival.place] = result
    return results


def batch_reply(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The body that answers a batch request."""
    rejected = sum(result["status"] == "rejected" for result in results)
    return {"accepted": len(results) - rejected, "rejected": rejected, "results": results}


def _keep(batch_id: str, arrivals: list[Arrival], store: EventStore) -> list[dict[str, Any]]:
    try:
        stored = store.add(batch_id, arrivals)
    except OSError as error:  # a full disk passes: `internal:` makes the reporter try again
        return [_result(a.event, "rejected", None, f"internal: {error}") for a in arrivals]
    return [
        _result(a.event, "accepted" if kept.is_new else "deduplicated", kept.db_id, None)
        for a, kept in zip(arrivals, stored)
    ]


def _result(event: Event, status: str, db_id: int | None, error: str | None) -> dict[str, Any]:
    return {"event_id": event["event_id"], "status": status, "db_id": db_id, "error": error}


def _check_version(event: Any) -> None:
    """Refuse an event of another schema, before it is judged by this one."""
    version = event.get("schema_version") if isinstance(event, dict) else None
    if isinstance(version, str) and version != SCHEMA_VERSION:
        raise RefusalError(415, f"schema_version must be {SCHEMA_VERSION}")


def _envelope_problem(received: Received) -> tuple[str, str] | None:
    """The first thing wrong with an envelope, as (field, message)."""
    event = received.value
    error = envelope_error(event)
    if error is None and event.get("schema_version") != SCHEMA_VERSION:
        error = "schema_version", f"must be {SCHEMA_VERSION}"
    return error or _surrogate_error(event)


def _problem(place: list[Any], error: tuple[str, str]) -> dict[str, Any]:
    field, message = error
    return problem([*place, field] if field else place, message)


def _surrogate_error(event: Event) -> tuple[str, str] | None:
    """Half a pair of UTF-16 in an id: it has no UTF-8, and two such ids would become one."""
    if event["batch_id"].isascii() and (event.get("job_id") or "").isascii():
        return None
    for key in ("batch_id", "job_id"):
        if _LONE_SURROGATE.search(event.get(key) or ""):
            return key, "must be Unicode text"
    return None


def is_too_deep(document: Any) -> bool:
    """Whether a document is nested deeper than whoever reads it later can go."""
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        level = [item for value in level for item in _items(value)]
        if not level:
            return False
    return True


def _items(value: Any) -> list[Any]:
    """What is in a value and may hold more."""
    inside = value.values() if isinstance(value, dict) else value
    return [item for item in inside if isinstance(item, (dict, list))]


def _item_error(message: str) -> str:
    """What a platform says of bad data: the text of a list of problems."""
    kind, _, rest = message.partition(": ")
    name = rest.partition(" ")[0]
    return str([{"type": kind.replace(" ", "_"), "loc": ("data", name), "msg": message}])
