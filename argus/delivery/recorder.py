"""Writes down what the callers leave: from the buffer through the encoder into the outbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from argus.core.events import Encoder
from argus.core.redact import hideable
from argus.core.schema import LIFECYCLE, MAX_EVENTS_PER_REQUEST
from argus.core.summary import Summary
from argus.delivery.channel import Channel
from argus.delivery.notices import INVALID, JOURNAL_FULL
from argus.delivery.outbox import Outbox
from argus.delivery.upload_request import UploadRequest

_RECORDS_AT_ONCE = MAX_EVENTS_PER_REQUEST  # so that writing and sending keep in step
_TURNS_MEANWHILE = 4  # then the answer that is waited for gets a look


class Recorder:
    """One channel's. A wish for an upload is passed on with the number of bytes that go before."""

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        source: Mapping[str, str],
        pass_on: Callable[[UploadRequest, int], None],
        summary: Summary,
    ) -> None:
        self._buffer = channel.buffer
        self._notices = channel.notices
        self._outbox = outbox
        secret = hideable(channel.settings.token)
        facts = channel.facts
        self._encoder = Encoder(facts.batch_id, source, os.urandom(10), secret, facts.every_event)
        self._pass_on = pass_on
        self._summary = summary
        self._source = source

    @property
    def recorded(self) -> int:
        """How many events have been written down."""
        return self._encoder.count

    @property
    def waiting(self) -> int:
        """How many records have not been."""
        return len(self._buffer)

    def record(self) -> bool:
        """Write some down. True where more waits that could be written now."""
        self._outbox.write_down()
        if self._outbox.has_room:  # else the disk refuses and memory is full: the buffer keeps it
            self._put(self._buffer.drain(_RECORDS_AT_ONCE))
        return self.can_go_on

    def record_meanwhile(self) -> None:
        """Write down some more, while something else is waited for."""
        for _ in range(_TURNS_MEANWHILE):
            if not self.record():
                return

    def record_all(self) -> None:
        """Write down all there is. Only where nothing more can come."""
        while self.record():
            pass

    @property
    def can_go_on(self) -> bool:
        """Whether anything waits that could be written down."""
        return self.waiting > 0 and self._outbox.has_room

    def _put(self, records: list[Any]) -> None:
        lines: list[bytes] = []
        urgent = False
        is_full = self._outbox.is_full
        for record in records:
            if isinstance(record, UploadRequest):
                self._outbox.put(lines, time.monotonic(), urgent=True)
                lines = []
                self._pass_on(record, self._outbox.put_bytes)
                continue
            if record[0] in LIFECYCLE:
                urgent = True
            elif is_full:
                self._notices.dropped(JOURNAL_FULL)
                continue
            try:
                line = self._encoder.encode(record)
                if record[4] is None:  # else it is another batch's
                    self._sum_up(record)
                lines.append(line)
            except Exception as error:
                self._notices.dropped(INVALID)
                self._notices.debug("an event could not be encoded: %r", error)
        if lines:
            self._outbox.put(lines, time.monotonic(), urgent)

    def _sum_up(self, record: Any) -> None:
        encoder = self._encoder
        self._summary.add(
            {
                "event_type": record[0],
                "timestamp": encoder.timestamp,
                "job_id": record[2],
                "source": self._source,
                "data": encoder.data,
            }
        )
