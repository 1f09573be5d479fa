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
        self._channel = channel
        self._buffer = channel.buffer
        self._notices = channel.notices
        self._outbox = outbox
        secret = hideable(channel.settings.token)
        facts = channel.facts
        self._encoder = Encoder(facts.batch_id, source, os.urandom(10), secret, facts.every_event)
        self._pass_on = pass_on
        self._summary = summary
        self._source = source
        self._epochs: dict[str, dict[str, Any]] = {}  # the newest of each job, not summed up yet
        self._n_epochs = 0
        self.urgent_line: bytes | None = None  # what goes ahead of a backlog, once it has come

    @property
    def recorded(self) -> int:
        """How many events have been written down."""
        return self._encoder.count

    @property
    def waiting(self) -> int:
        """How many records have not been."""
        return len(self._buffer) + self._is_preempted_anew

    @property
    def _is_preempted_anew(self) -> bool:
        return self._channel.preemption is not None and self.urgent_line is None

    def record(self) -> bool:
        """Write some down. True where more waits that could be written now."""
        self._outbox.write_down()
        if self._is_preempted_anew:
            self._put_preemption()
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

    def _put_preemption(self) -> None:
        if not self.recorded:
            self._put(self._buffer.drain(1))  # the start of the batch goes first
        self.urgent_line = self._encoder.encode(self._channel.preemption)
        self._sum_up(self._channel.preemption)
        self._outbox.put([self.urgent_line], time.monotonic(), urgent=True)

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
        self._sum_up_epochs()
        if lines:
            self._outbox.put(lines, time.monotonic(), urgent)

    def _sum_up(self, record: Any) -> None:
        if record[0] == "job_epoch":  # of a job's epochs, the newest tells as much as all of them
            self._n_epochs += 1
            self._epochs[record[2]] = self._encoder.data
        else:
            self._sum_up_epochs()
            self._add(record[0], record[2], self._encoder.data)

    def _sum_up_epochs(self) -> None:
        epochs, self._epochs = self._epochs, {}
        self._summary.tally.n_events += self._n_epochs - len(epochs)
        self._n_epochs = 0
        for job_id, data in epochs.items():
            self._add("job_epoch", job_id, data)

    def _add(self, event_type: str, job_id: str | None, data: dict[str, Any]) -> None:
        self._summary.add(
            {
                "event_type": event_type,
                "timestamp": self._encoder.timestamp,
                "job_id": job_id,
                "source": self._source,
                "data": data,
            }
        )
