"""The sender: one thread that writes down what the callers leave and delivers it.

The journal comes first, then the network. While a request waits for its answer, the sender goes on
writing down. It owns everything from the encoder to the socket; the callers' end is the channel.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argus.core.delivery import Gate, Outcome
from argus.core.events import Encoder
from argus.core.schema import LIFECYCLE, MAX_EVENTS_PER_REQUEST
from argus.delivery.channel import Channel
from argus.delivery.leftovers import Leftovers
from argus.delivery.notices import INVALID, JOURNAL_FULL
from argus.delivery.outbox import Outbox
from argus.delivery.shipment import Shipment
from argus.delivery.upload_request import UploadRequest
from argus.delivery.uploads import Uploader
from argus.delivery.workplace import BEAT_S, Description, new_run, state_dir
from argus.rundir import writer
from argus.rundir.run import RunDirectory
from argus.transport.address import Address
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

TICK_S = 0.5  # what the process leaves unwritten when it is killed is no older than this
# Leaving the block, where the platform is known to be away: one try, and no more waiting.
AWAY_EXIT_S = 0.4
# Leaving the block: how long others' leftovers may hold it up, once the own events are delivered.
LEFTOVERS_EXIT_S = 2.0
_MAX_SPILL_BYTES = 1_073_741_824
_MAX_KEPT_BYTES = 17_179_869_184
_RECORDS_AT_ONCE = MAX_EVENTS_PER_REQUEST  # so that writing and sending keep in step


class Sender:
    """Everything on the daemon's side for one channel. Made and used in its own thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._notices = channel.notices
        self._buffer = channel.buffer
        settings = channel.settings
        self._address = Address.parse(settings.url) if settings.url else None
        self._url = self._address.url if self._address else None
        self._gate = Gate(random.Random(os.urandom(8)).random)
        self._description = Description(channel, self._url)
        self._state_dir = self._usable_state_dir()
        self._run = self._new_run()
        self._own = Shipment(self._new_outbox(), self._run, self._gate, self._notices)
        self._leftovers = (
            Leftovers(self._state_dir, self._url, self._gate, self._notices)
            if self._state_dir and self._url
            else None
        )
        self._client = self._new_client(self._meanwhile)
        self._uploader = Uploader(self._new_client, channel)
        self._encoder = Encoder(channel.facts.batch_id, self._source(), os.urandom(10))
        self._beat_at = 0.0
        self._closing_since: float | None = None
        self._settled = 0
        self._last_failure = "nothing was tried yet"

    def run(self) -> None:
        """Work until the channel is closed and all is done, or its time is up."""
        try:
            while not self._is_done():
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        """Write down some of what has come, then send one request or wait for the next thing."""
        more = self._record()
        self._beat()
        now = time.monotonic()
        shipment, due_at = self._next_shipment(now)
        if shipment is not None and due_at <= now and self._client is not None:
            self._send(shipment, self._client)
        elif not more and not self._is_done():
            self._buffer.wait(min(due_at, now + TICK_S, self._deadline) - now)

    # Writing down

    def _record(self) -> bool:
        """Encode some of what the callers left and append it to the event file. True where more
        is waiting that could be taken now."""
        outbox = self._own.outbox
        outbox.write_down()
        if outbox.has_room:  # else the disk refuses and memory is full: it waits in the buffer
            self._put(self._buffer.drain(_RECORDS_AT_ONCE))
        return len(self._buffer) > 0 and outbox.has_room

    def _record_all(self) -> None:
        while self._record():
            pass

    def _put(self, records: list[Any]) -> None:
        outbox = self._own.outbox
        lines: list[bytes] = []
        urgent = False
        for record in records:
            if isinstance(record, UploadRequest):
                outbox.put(lines, time.monotonic(), urgent=True)
                lines = []
                self._uploader.accept(record, self._run, outbox.put_bytes)
            elif outbox.is_full and record[0] not in LIFECYCLE:
                self._notices.dropped(JOURNAL_FULL)
            else:
                urgent = urgent or record[0] in LIFECYCLE
                lines += self._encoded(record)
        if lines:
            outbox.put(lines, time.monotonic(), urgent)

    def _encoded(self, record: Any) -> list[bytes]:
        try:
            return [self._encoder.encode(record)]
        except Exception as error:
            self._notices.dropped(INVALID)
            self._notices.debug("an event could not be encoded: %r", error)
            return []

    def _beat(self) -> None:
        now = time.monotonic()
        if self._run is not None and now >= self._beat_at:
            self._beat_at = now + BEAT_S
            try:
                self._run.beat()
            except OSError as error:
                self._disk_trouble(error)

    # Sending

    def _next_shipment(self, now: float) -> tuple[Shipment | None, float]:
        """What to send next, and when it is due. The own events go before any leftovers."""
        due_at = self._own.due_at()
        if due_at is not None:
            # Whoever leaves does not linger; what must wait longer than that stays on disk.
            return self._own, self._gate.not_before if self._is_closing() else due_at
        if self._leftovers is None or not self._gate.answered:
            return None, math.inf
        if not self._leftovers.advance(now):
            return None, math.inf
        leftover = self._leftovers.current
        if leftover is None:
            return None, now  # that one was nobody's to deliver; look at the next at once
        due_at = leftover.due_at()
        if due_at is None:
            self._finish_leftover()
            return None, now
        return leftover, self._gate.not_before

    def _send(self, shipment: Shipment, client: HttpClient) -> None:
        outcome = shipment.send(client)
        if outcome is None:
            return
        self._channel.is_away = self._gate.away
        self._tell(outcome)
        if shipment is self._own:
            self._settled += outcome.confirmed + len(outcome.dead)
            self._uploader.delivered(shipment.outbox.confirmed_bytes)
        if self._gate.away:
            self._uploader.give_up_waiting()

    def _tell(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._last_failure = outcome.failure
            self._notices.debug("not delivered to %s: %s", self._url, outcome.failure)
        if outcome.halt is not None:
            self._notices.warn(
                "halted",
                "nothing is delivered to %s: %s. Events are kept %s and will be sent once it "
                "takes them",
                self._url,
                outcome.halt,
                self._place,
            )

    def _finish_leftover(self) -> None:
        run = self._leftovers.finished() if self._leftovers else None
        if run is None:
            return
        if run.media.pending():
            self._uploader.adopt(run)
        else:
            self._finish(run)

    def _meanwhile(self, patience: Patience) -> None:
        """While a request waits: go on writing down, and end with the block that is being left."""
        self._record_all()
        self._beat()
        if self._is_closing():
            patience.until(self._deadline)

    # Ending

    def _is_closing(self) -> bool:
        if self._closing_since is None and self._channel.closing_at is not None:
            self._closing_since = time.monotonic()
            self._gate.last_chance()
        return self._closing_since is not None

    @property
    def _deadline(self) -> float:
        """When all must be over, on the monotonic clock."""
        if self._closing_since is None or self._channel.closing_at is None:
            return math.inf
        if self._gate.away:
            return min(self._channel.closing_at, self._closing_since + AWAY_EXIT_S)
        return self._channel.closing_at

    def _is_done(self) -> bool:
        if not self._is_closing() or self._closing_since is None:
            return False
        now = time.monotonic()
        if now >= self._deadline:
            return True
        if len(self._buffer) > 0 and self._own.outbox.has_room:
            return False
        if self._own.due_at() is not None:
            return self._gate.not_before > self._deadline
        if not self._uploader.is_idle:
            return False
        if self._leftovers is None or not self._gate.answered:
            return True
        return now >= self._closing_since + LEFTOVERS_EXIT_S or not self._leftovers.advance(now)

    def _end(self) -> None:
        """Write down what is left, say how it ended, and let go of everything."""
        self._record_all()
        self._uploader.stop()
        if self._leftovers is not None:
            self._leftovers.release()
        if self._client is not None:
            self._client.close()
        self._own.outbox.close()
        delivered = not self._own.undelivered and not len(self._buffer)
        if self._url is not None and not delivered:
            self._tell_what_is_left()
        if self._run is None:
            return
        try:
            self._run.describe(self._description.content(running=False))
        except OSError as error:
            self._disk_trouble(error)
        if delivered and self._url is not None and not self._run.media.pending():
            self._finish(self._run)
        else:
            self._run.release()

    def _tell_what_is_left(self) -> None:
        count = self._encoder.count - self._settled + len(self._buffer)
        if not self._own.outbox.is_written:
            self._notices.warn(
                "lost",
                "%d events could neither be delivered to %s (%s) nor be written to disk",
                count,
                self._url,
                self._last_failure,
            )
        elif not self._notices.has_said("halted"):
            self._notices.warn(
                "kept",
                "%d events could not be delivered to %s (%s). They are kept %s; the next run with "
                "that ARGUS_URL delivers them",
                count,
                self._url,
                self._last_failure,
                self._place,
            )

    def _finish(self, run: RunDirectory) -> None:
        try:
            run.finish()
        except OSError as error:
            self._notices.debug("%s could not be removed: %s", run.path, error)

    # Setting up

    def _usable_state_dir(self) -> Path | None:
        try:
            return state_dir(self._channel.settings)
        except OSError as error:
            self._notices.debug("no state directory: %s", error)
            return None

    def _new_run(self) -> RunDirectory | None:
        try:
            run = new_run(self._channel.facts.batch_id, self._channel.settings, self._state_dir)
            run.describe(self._description.content(running=True))
            return run
        except OSError as error:
            self._disk_trouble(error)
            return None

    def _new_outbox(self) -> Outbox:
        kept = self._run is not None and self._run.kept
        return Outbox(
            self._run.journal if self._run else None,
            max_bytes=_MAX_KEPT_BYTES if kept else _MAX_SPILL_BYTES,
            kept=kept,
            sends=self._address is not None,
            trouble=self._disk_trouble,
        )

    def _new_client(self, meanwhile: Callable[[Patience], None]) -> HttpClient | None:
        if self._address is None:
            return None
        settings = self._channel.settings
        return HttpClient(
            self._address, settings.token, settings.ca_bundles, self._complain, meanwhile
        )

    def _source(self) -> dict[str, str]:
        facts = self._channel.facts
        source = {"project": facts.project, "host": writer.host_name()}
        user = writer.user_name()
        if user:
            source["user"] = user
        return source

    @property
    def _place(self) -> str:
        return f"in {self._run.path}" if self._run is not None else "in memory"

    def _disk_trouble(self, error: OSError) -> None:
        self._notices.warn(
            "disk",
            "events cannot be written to disk (%s); they are held in memory until delivered",
            error,
        )

    def _complain(self, message: str) -> None:
        self._notices.warn(message, "%s", message)
