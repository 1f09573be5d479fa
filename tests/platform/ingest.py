"""What the platform says to events: the contract's envelope and data checks, deduplication.

Takes the bytes of a body, gives an answer; no I/O but the store's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from argus.core import contract, schema
from tests.platform.http_wire import Answer, error_answer, json_answer
from tests.platform.store import Store

Event = dict[str, Any]
Results = list[dict[str, Any]]

MAX_FILE_BYTES = 50_000_000


class Quirk(NamedTuple):
    """Where a platform that answers departs from its contract.

    refuse          an answer instead of storing any of these good events
    item_error      why the item at this index is rejected
    shown           what becomes of the results on their way out
    """

    refuse: Callable[[list[Event]], Optional[Answer]] = lambda events: None
    item_error: Callable[[int, Event], Optional[str]] = lambda index, event: None
    shown: Callable[[Results], Results] = lambda results: results
    max_file_bytes: int = MAX_FILE_BYTES


NO_QUIRK = Quirk()


class Body(NamedTuple):
    """A body as JSON, or what is wrong with it."""

    value: Any = None
    problem: Optional[str] = None

    def events(self) -> list[Any]:
        """The events of a batch or of a single request, unjudged; none where there are none."""
        events = self.value.get("events", [self.value]) if isinstance(self.value, dict) else []
        return events if isinstance(events, list) else []


def read_json(raw: bytes) -> Body:
    """Takes JSON by RFC 8259 alone: a bare NaN is a problem, and so are bytes that are not UTF-8."""
    try:
        return Body(json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant))
    except ValueError as error:
        return Body(problem=str(error))
    except RecursionError:
        return Body(problem="nested too deeply")


def answer_batch(store: Store, body: Body, quirk: Quirk) -> Answer:
    if body.problem is not None:
        return _invalid(["body"], body.problem)
    events = body.value.get("events") if isinstance(body.value, dict) else None
    if not isinstance(events, list) or len(body.value) != 1:
        return _invalid(["body", "events"], "must be the only field, and a list")
    if not 1 <= len(events) <= schema.MAX_EVENTS_PER_REQUEST:
        return _invalid(["body", "events"], f"1 to {schema.MAX_EVENTS_PER_REQUEST} events")
    refused = _refused_envelopes(events, ["body", "events"]) or quirk.refuse(events)
    if refused:
        return refused
    results = [
        _store_item(store, event, quirk.item_error(index, event))
        for index, event in enumerate(events)
    ]
    store.write()
    rejected = sum(result["status"] == "rejected" for result in results)
    return json_answer(
        200,
        {
            "accepted": len(results) - rejected,
            "rejected": rejected,
            "results": quirk.shown(results),
        },
    )


def answer_single(store: Store, body: Body, quirk: Quirk) -> Answer:
    if body.problem is not None:
        return _invalid(["body"], body.problem)
    event = body.value
    refused = _refused_envelopes([event], None) or quirk.refuse([event])
    if refused:
        return refused
    result = _store_item(store, event, quirk.item_error(0, event))
    store.write()
    if result["status"] == "rejected":
        internal = result["error"].startswith("internal:")
        return error_answer(500 if internal else 422, result["error"])
    duplicate = result["status"] == "deduplicated"
    return json_answer(
        200, {"accepted": True, "event_id": result["db_id"], "deduplicated": duplicate}
    )


def naming(indices: list[int], message: str) -> Answer:
    """The 422 that names these events of a batch."""
    return error_answer(
        422, [{"loc": ["body", "events", index, "data"], "msg": message} for index in indices]
    )


def _refused_envelopes(events: list[Any], place: list[Any] | None) -> Answer | None:
    errors = []
    for index, event in enumerate(events):
        error = contract.envelope_error(event)
        if error:
            loc = ["body"] if place is None else [*place, index]
            errors.append({"loc": [*loc, error[0]] if error[0] else loc, "msg": error[1]})
    if errors:
        return error_answer(422, errors)
    versions = {json.dumps(event.get("schema_version")) for event in events}
    if versions != {f'"{schema.SCHEMA_VERSION}"'}:
        return error_answer(415, f"schema_version must be {schema.SCHEMA_VERSION}")
    return None


def _store_item(store: Store, event: Event, error: str | None) -> dict[str, Any]:
    db_id = store.db_id(event["event_id"])
    if error is None and db_id is not None:
        store.duplicates += 1
        return _result(event, "deduplicated", db_id, None)
    error = error or contract.data_error(event["event_type"], event["data"])
    if error is not None:
        store.rejected += 1
        return _result(event, "rejected", None, error)
    return _result(event, "accepted", store.add_event(event), None)


def _result(event: Event, status: str, db_id: int | None, error: str | None) -> dict[str, Any]:
    return {"event_id": event["event_id"], "status": status, "db_id": db_id, "error": error}


def _invalid(loc: list[Any], message: str) -> Answer:
    return error_answer(422, [{"loc": loc, "msg": message}])


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
