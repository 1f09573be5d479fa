"""One event file on its way to a platform: takes lines, sends them, carries the answer out.

The same for the run at hand and for what a dead process has left.
"""

from __future__ import annotations

import time

from argus.core.delivery import Delivery, Gate, Outcome
from argus.core.flight import DeadLetter
from argus.core.jsonl import Line
from argus.delivery.notices import REJECTED, Notices
from argus.delivery.outbox import Outbox
from argus.rundir.run import RunDirectory
from argus.transport.address import EVENTS_PATH
from argus.transport.client import HttpClient

AHEAD_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 15.0  # a platform whose database is locked may well take ten
_READ_AGAIN_S = 5.0  # where the disk does not give back what it took


class Shipment:
    """Delivers what comes out of `outbox`. `run` is None where no directory can be had."""

    def __init__(
        self, outbox: Outbox, run: RunDirectory | None, gate: Gate, notices: Notices
    ) -> None:
        self.outbox = outbox
        self.run = run
        self._delivery = Delivery(gate)
        self._notices = notices
        self._read_again_at = 0.0

    def due_at(self, lingers: bool = True) -> float | None:
        """When the next request may go, on the monotonic clock; None where nothing waits. Whoever
        does not linger goes as soon as the platform may be asked."""
        due_at = self._delivery.due_at(self.outbox.backlog())
        if due_at is None:
            return None
        return max(due_at if lingers else self._delivery.gate.not_before, self._read_again_at)

    @property
    def is_unreadable(self) -> bool:
        """Whether the disk did not give back what comes next, the last time it was asked."""
        return self._read_again_at > 0.0

    def send(self, client: HttpClient) -> Outcome | None:
        """One request and what its answer means; None where there was nothing to send after all."""
        self.set_aside(self._delivery.board(self._taken()))
        lines = self._delivery.request()
        self.outbox.confirm(self._delivery.settled_bytes())
        if not lines:
            return None
        body = _body([line.data for line in lines])
        answer = client.request("POST", EVENTS_PATH, body, REQUEST_TIMEOUT_S)
        outcome = self._delivery.answered(time.monotonic(), time.time(), answer)
        self.set_aside(outcome.dead)
        self.outbox.confirm(outcome.settled_bytes)
        self.outbox.save_position(time.monotonic())
        return outcome

    def is_behind(self, now: float) -> bool:
        """Whether what comes last does not go with the next request, or that has to wait."""
        backlog = self.outbox.backlog()
        waits = self._delivery.gate.not_before > now
        return waits or self._delivery.in_hand > 0 or (backlog is not None and backlog.full)

    def send_ahead(self, client: HttpClient, line: bytes) -> None:
        """One try for a line of the outbox, out of its turn. In its turn it goes once more, which a
        platform notices: so whatever the answer is, nothing depends on it."""
        client.request("POST", EVENTS_PATH, _body([line]), AHEAD_TIMEOUT_S)

    def _taken(self) -> list[Line]:
        try:
            lines = self.outbox.take(self._delivery.room)
        except OSError as error:
            self._read_again_at = time.monotonic() + _READ_AGAIN_S
            self._notices.warn(
                "unreadable", "events cannot be read back from disk (%s); tried again", error
            )
            return []
        self._read_again_at = 0.0
        return lines

    def set_aside(self, dead: list[DeadLetter]) -> None:
        """Keep what the platform will never take."""
        if not dead:
            return
        self._notices.dropped(REJECTED, len(dead))
        self._notices.debug("refused for good: %s", dead[0].reason)
        if self.run is not None:
            try:
                self.run.set_aside(dead)
            except OSError as error:
                self._notices.debug("a refused event could not be kept: %s", error)


def _body(lines: list[bytes]) -> bytes:
    return b'{"events":[' + b",".join(lines) + b"]}"
