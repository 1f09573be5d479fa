"""Request bodies as strict JSON, with the text of each event kept as it came.

An event is stored in the characters in which it arrived: encoding it anew would cost as much as
all the checks, and could only lose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.scanner import make_scanner
from typing import Any, NamedTuple, NoReturn, cast

from argus.core.schema import MAX_EVENTS_PER_REQUEST
from argus.server.reply import RefusalError

_OPENING = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"events"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_SEPARATOR = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_CLOSING = re.compile(r"[ \t\r\n]*\][ \t\r\n]*\}[ \t\r\n]*")
_LINE_BREAKS = str.maketrans("\r\n", "  ")


class Received(NamedTuple):
    """An event, or what was sent as one: its value, and the line of JSON that it came as."""

    value: Any
    line: bytes


def parsed(body: bytes) -> Any:
    """The value of a body. Raises RefusalError where that is not strict JSON."""
    try:
        return _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        where = getattr(error, "pos", 0)
        raise RefusalError(422, [problem(["body", where], f"not JSON: {error}")]) from None


def received_event(body: bytes) -> Received:
    """The one event of a body. Raises RefusalError."""
    return Received(parsed(body), _line(body.decode("utf-8").strip()))


def received_events(body: bytes) -> list[Received]:
    """The events of `{"events": [...]}`, one to 500. Raises RefusalError for any other body."""
    try:
        events = _events(body.decode("utf-8"))
    except (ValueError, RecursionError, StopIteration):
        events = None
    if events is None:
        parsed(body)  # says where, if it is no JSON at all
        message = f"must be 1 to {MAX_EVENTS_PER_REQUEST} events, and nothing else in the body"
        raise RefusalError(422, [problem(["body", "events"], message)])
    return events


def problem(place: list[Any], message: str) -> dict[str, Any]:
    """One line of a `detail` list: what is wrong, and where in the request."""
    return {"type": "value_error", "loc": place, "msg": message}


def _events(text: str) -> list[Received] | None:
    """The events of a batch request; None where it has another shape, or too many of them.

    An empty list fails like text that is no JSON: with ValueError or StopIteration.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return None
    line = _line if "\n" in text or "\r" in text else str.encode  # looked for once, not 500 times
    events: list[Received] = []
    at = opening.end()
    while len(events) < MAX_EVENTS_PER_REQUEST:
        value, end = _scan(text, at)
        events.append(Received(value, line(text[at:end])))
        if text.startswith(",{", end):  # as all encoders write it that do not spend spaces
            at = end + 1
            continue
        separator = _SEPARATOR.match(text, end)
        if separator is None:
            return events if _CLOSING.fullmatch(text, end) else None
        at = separator.end()
    return None


def _line(text: str) -> bytes:
    """JSON as one line: inside its strings a line break is always escaped."""
    return text.translate(_LINE_BREAKS).encode()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
# What `raw_decode` wraps: StopIteration where no value begins.
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(cast(Any, _decoder))
