"""Makes what a caller reports fit the schema: a type, a job, and each known field of its kind.

What a caller got wrong is put right where the meaning is clear, else left out, and counted.
"""

from __future__ import annotations

import math
from itertools import islice

from argus.core import schema
from argus.core.values import MAX_INT_BITS, MAX_VALUES, bounded_text, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class MisfitError(Exception):
    """The value cannot be what its field asks for."""


def fitted(event_type: str, fields: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Plain `data` for an event of `event_type`, and how many mistakes were put right or left out.

    A field of None says nothing and is left out. A required field that is missing is the
    business of the caller, who alone knows what it could be.
    """
    known = schema.FIELDS[event_type]
    values = plain(fields)
    data: dict[str, Any] = {}
    mistakes = 0
    for name, value in values.items():
        kind = known.get(name)
        if value is None and kind is not None:
            continue
        if name in schema.RESERVED_KEYS:
            data[f"{name}_"] = value
            mistakes += 1
        elif kind is None:
            data[name] = value
        else:
            try:
                data[name] = fit_value(kind, value)
                mistakes += type(data[name]) is not type(value)
            except MisfitError:
                mistakes += 1
    return data, mistakes


def standard_event(
    event: str, fields: Mapping[str, Any], job_id: str | None, batch_id: str
) -> tuple[str, str | None, dict[str, Any]]:
    """What a free-form event becomes on the wire: its type, the job id it needs, its fields.

    A name that is none of the ten types becomes a log line of that name, so that nothing is lost.
    A batch event has no job; a job event without one gets the batch's id, as a heartbeat does.
    """
    event = bounded_text(event)  # of a str enum too, which formats itself by its own rules
    first = {}
    if event not in schema.EVENT_TYPES:
        first = {"line": event, "level": "info", "event": event}
        event = "log_line"
    job = (job_id or batch_id) if event in schema.JOB_EVENTS else None
    # No more of them than an event holds, and one, so that what is missing is said.
    return event, job, {**first, **dict(islice(fields.items(), MAX_VALUES + 1))}


def fit_value(kind: str, value: Any) -> Any:
    """The plain `value` as a field of `kind`. Raises MisfitError where there is no such value."""
    return _FITS[kind](value)


def _integer(value: Any) -> int:
    number = _number(value)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise MisfitError
        number = math.floor(number)
    if number.bit_length() > MAX_INT_BITS:  # the largest floats have 1024 bits
        raise MisfitError
    return number


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise MisfitError from None
    raise MisfitError


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bounded_text(value)  # plain text is bounded


def _boolean(value: Any) -> bool:
    if isinstance(value, (bool, int)):
        return bool(value)
    if value in ("true", "True"):
        return True
    if value in ("false", "False"):
        return False
    raise MisfitError


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"value": value}


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else [_text(value)]


_FITS: dict[str, Callable[[Any], Any]] = {
    schema.INTEGER: _integer,
    schema.NUMBER: _number,
    schema.TEXT: _text,
    schema.BOOLEAN: _boolean,
    schema.OBJECT: _object,
    schema.TEXTS: _texts,
}
