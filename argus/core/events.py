"""Event records, and the encoder that turns each into one line of wire bytes.

A record is what the caller's thread leaves behind: a tuple of plain values, cheap to make. The
encoder works on the daemon's side; it owns the event ids. Every line it returns is valid by the
contract: one JSON object, UTF-8, no newline inside.
"""

from __future__ import annotations

import json
import math
import time

from argus.core import schema
from argus.core.epoch import epoch_data
from argus.core.identity import event_id_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NamedTuple, Union

    from argus.core.epoch import EpochRow
    from argus.core.secret import Secret

    class Record(NamedTuple):
        """One event as the caller left it; at run time a bare tuple, which costs less to make."""

        event_type: str
        timestamp: float  # seconds since the epoch, wall clock
        job_id: str | None
        data: Union[dict[str, Any], EpochRow, Callable[[], dict[str, Any]]]  # asked when encoded
        batch_id: str | None  # None: the run's own


# Where the event id stands in every line that the encoder makes.
_ID_AT = len('{"event_id":"')
EVENT_ID = slice(_ID_AT, _ID_AT + 36)

_MAX_SECOND = 253_402_300_799  # the last of the year 9999
_MAX_HEADS = 1024  # cached beginnings of lines, one for each type and job
_MAY_HOLD_HUGE_INT = 300  # an integer beyond float range has 309 digits; shorter data holds none


def _strict_encoder() -> Callable[[Any], str]:
    """An encoder of compact, strict JSON: a value without a JSON form is a ValueError."""
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without the C part
        return encoder.encode
    # `encode` makes itself a C encoder anew for each value; to keep one takes half the time.
    quoted = json.encoder.encode_basestring
    chunks = make(None, encoder.default, quoted, None, ":", ",", False, False, False)
    return lambda value: "".join(chunks(value, 0))


_strict = _strict_encoder()


class Encoder:
    """Encodes the records of one writer. `random` are ten random bytes, fresh for each writer.

    `secret` is taken out of every line; a text of JSON must be one without it, too. `every_event`
    is what each `data` has, unless it says otherwise itself.
    """

    def __init__(
        self,
        batch_id: str,
        source: Mapping[str, str],
        random: bytes,
        secret: Secret | None = None,
        every_event: Mapping[str, Any] | None = None,
    ) -> None:
        self._batch_id = batch_id
        self._every_event = every_event or None
        self._secret = secret
        self._source = _strict(dict(source))
        self._id_prefix = event_id_prefix(random)
        self.count = 0
        self.data: dict[str, Any] = {}  # of the line that was encoded last
        self._turn_to(0.0)
        self._heads: dict[tuple[str, str | None, str | None], tuple[str, str]] = {}

    def encode(self, record: Record) -> bytes:
        """One wire line of `record`, without its newline."""
        event_type, timestamp, job_id, given, batch_id = record
        if isinstance(given, tuple):
            data = epoch_data(given)
        elif isinstance(given, dict):
            data = given
        else:
            data = given()
        if self._every_event is not None:
            data = {**self._every_event, **data}
        self.data = data
        count = self.count + 1
        head = self._heads.get((event_type, job_id, batch_id)) or self._head(
            event_type, job_id, batch_id
        )
        since = timestamp - self._second
        if not 0.0 <= since < 1.0:
            since = self._turn_to(timestamp)
        line = (
            f'{{"event_id":"{self._id_prefix}{count:012x}{head[0]}{self._second_text}'
            f".{int(since * 1e6):06d}{head[1]}{encode_data(data)}}}"
        )
        if self._secret is not None:
            line = self._secret.hide_in(line)
        self.count = count
        try:
            return line.encode()
        except UnicodeEncodeError:  # a lone surrogate somewhere: "?" is still valid JSON
            return line.encode("utf-8", "replace")

    @property
    def timestamp(self) -> str:
        """That of the line that was encoded last, to the second."""
        return f"{self._second_text}Z"

    def _head(self, event_type: str, job_id: str | None, batch_id: str | None) -> tuple[str, str]:
        if len(self._heads) >= _MAX_HEADS:
            self._heads.clear()
        job = "null" if job_id is None else _strict(job_id)
        head = (
            f'","schema_version":"{schema.SCHEMA_VERSION}","event_type":"{event_type}","timestamp":"',
            f'Z","batch_id":{_strict(batch_id or self._batch_id)},"job_id":{job}'
            f',"source":{self._source},"data":',
        )
        self._heads[event_type, job_id, batch_id] = head
        return head

    def _turn_to(self, timestamp: float) -> float:
        """Begin another second. Returns how far `timestamp` is into it."""
        self._second = valid_second(timestamp)
        self._second_text = utc_second(timestamp)
        since = timestamp - self._second
        return since if 0.0 <= since < 1.0 else 0.0  # a clock that is not set, or no number at all


def utc_second(seconds: float) -> str:
    """Seconds since the epoch as `2026-04-23T09:23:06`, kept within the years 1970 to 9999."""
    t = time.gmtime(valid_second(seconds))
    return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}T{t[3]:02d}:{t[4]:02d}:{t[5]:02d}"


def valid_second(seconds: float) -> int:
    """A wall clock's reading as a second of those years: clocks are set by hand, and by tests."""
    return int(min(max(0, seconds), _MAX_SECOND))  # in this order NaN becomes 0


def encode_data(data: dict[str, Any]) -> str:
    """`data` as strict JSON: non-finite numbers as the strings of the contract."""
    try:
        text = _strict(data)
    except ValueError:  # a NaN or an infinity, or an integer too long for this Python to print
        return _strict(strictly_json(data))
    if len(text) > _MAY_HOLD_HUGE_INT:
        return _strict(strictly_json(data))
    return text


def strictly_json(value: Any) -> Any:
    """A value as strict JSON can hold it: numbers that are not finite, or too large for a float, as
    the strings of the contract."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and value.bit_length() > 1023:
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: strictly_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [strictly_json(item) for item in value]
    return value
