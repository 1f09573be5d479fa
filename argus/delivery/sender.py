"""The sender: one thread that writes down what the callers leave and delivers it.

The journal comes first, then the network. While a request waits for its answer, the sender goes on
writing down. What to send and when is decided in `core`; this is the loop that carries it out.
"""

from __future__ import annotations

import math
import os
import random
import time

from argus.core.delivery import Gate, Outcome
from argus.delivery.channel import Channel
from argus.delivery.leftovers import Leftovers
from argus.delivery.recorder import Recorder
from argus.delivery.shipment import Shipment
from argus.delivery.upload_request import UploadRequest
from argus.delivery.uploads import Uploader
from argus.delivery.workplace import Workplace
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

TICK_S = 0.5  # what the process leaves unwritten when it is killed is no older than this
# Leaving the block, where the platform is known to be away: one try, and no more waiting.
AWAY_EXIT_S = 0.4
# Leaving the block: how long others' leftovers may hold it up, once the own events are delivered.
LEFTOVERS_EXIT_S = 2.0
# Whoever is being preempted waits no longer than this for an answer that is on its way.
PREEMPTED_S = 2.0


class Sender:
    """Everything on the daemon's side for one channel. Made and used in its own thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._notices = channel.notices
        self._gate = Gate(random.Random(os.urandom(8)).random)
        self._workplace = work = Workplace(channel)
        channel.place(work.run.path if work.run else None)
        self._outbox = work.outbox()
        self._own = Shipment(self._outbox, work.run, self._gate, channel.notices)
        self._leftovers: Leftovers | None = None
        if work.state_dir is not None and work.address is not None:
            url = work.address.url
            self._leftovers = Leftovers(work.state_dir, url, self._gate, channel.notices)
        self._client = work.client(self._meanwhile)
        self._uploader = Uploader(work.client, channel)
        self._environment = channel.environment
        self._recorder = Recorder(channel, self._outbox, work.source(), self._pass_on, work.summary)
        self._closing_since: float | None = None
        self._has_tried_again = False
        self._preempted_at: float | None = None  # monotonic: since when that is known here
        self._settled = 0  # own events that need nothing more
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
        more_to_record = self._recorder.record()
        self._hasten()
        if self._environment is not None and self._recorder.recorded:
            self._environment.start()
            self._environment = None
        now = time.monotonic()
        self._workplace.tick(now)
        shipment, due_at = self._next_shipment(now)
        if shipment is not None and due_at <= now and self._client is not None:
            self._send(shipment, self._client)
        elif not more_to_record and not self._is_done():
            # What has come is looked up now and then, so that a caller need not wake anybody; where
            # nothing has come and nothing waits, whatever comes next does.
            at_rest = due_at == math.inf and self._outbox.is_written
            look_at = self._workplace.beat_at if at_rest else now + TICK_S
            self._channel.buffer.wait(min(due_at, look_at, self._deadline) - now, at_rest)

    def _meanwhile(self, patience: Patience) -> None:
        """While a request waits: go on writing down, and end with the block that is being left."""
        self._recorder.record_meanwhile()
        now = time.monotonic()
        self._workplace.tick(now)
        if self._recorder.urgent_line is not None and self._preempted_at is None:
            patience.until(now + PREEMPTED_S)
        if self._is_closing():
            patience.until(self._deadline)

    # Sending

    def _hasten(self) -> None:
        """Once, as the run is being preempted: let that go ahead of what it would wait behind."""
        line = self._recorder.urgent_line
        if line is None or self._preempted_at is not None:
            return
        self._preempted_at = now = time.monotonic()
        if self._client is not None and self._own.is_behind(now) and not self._gate.throttled:
            self._own.send_ahead(self._client, line)

    def _next_shipment(self, now: float) -> tuple[Shipment | None, float]:
        """What to send next, and when it is due. The own events go before any leftovers."""
        # Whoever leaves does not linger; what must wait longer than that stays on disk.
        due_at = self._own.due_at(lingers=not self._is_closing())
        if due_at is not None:
            return self._own, due_at
        if self._leftovers is None or not self._gate.answered or not self._leftovers.advance(now):
            return None, math.inf
        leftover = self._leftovers.current
        if leftover is None:
            return None, now  # that one was nobody's to deliver; look at the next at once
        due_at = leftover.due_at(lingers=False)
        if leftover.is_unreadable:
            self._leftovers.release()
            return None, now
        if due_at is None:
            self._finish_leftover(self._leftovers)
            return None, now
        return leftover, due_at

    def _send(self, shipment: Shipment, client: HttpClient) -> None:
        outcome = shipment.send(client)
        if outcome is None:
            return
        self._channel.is_away = self._gate.away
        self._tell(outcome)
        if shipment is self._own:
            self._settled += outcome.confirmed + len(outcome.dead)
            self._uploader.delivered(self._outbox.confirmed_bytes)
        if not self._gate.answered:
            self._uploader.give_up_waiting()
        if self._gate.away and self._is_closing() and not self._has_tried_again:
            self._has_tried_again = True  # one connection that breaks is no outage
            self._gate.last_chance()

    def _pass_on(self, request: UploadRequest, mark: int) -> None:
        self._uploader.accept(request, self._workplace.run, mark)

    def _finish_leftover(self, leftovers: Leftovers) -> None:
        run = leftovers.finished()
        if run is None:
            return
        if run.media.pending():
            self._uploader.adopt(run)
        else:
            self._workplace.finish(run)

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
        if self._recorder.can_go_on:
            return False
        due_at = self._own.due_at(lingers=False)
        if due_at is not None:
            return due_at > self._deadline
        if not self._uploader.is_idle:
            return False
        if self._leftovers is None or not self._gate.answered:
            return True
        return now >= self._closing_since + LEFTOVERS_EXIT_S or not self._leftovers.advance(now)

    def _end(self) -> None:
        """Write down what is left, say how it ended, and let go of everything."""
        self._channel.buffer.close()
        self._recorder.record_all()
        self._uploader.stop()
        if self._leftovers is not None:
            self._leftovers.release()
        if self._client is not None:
            self._client.close()
        self._outbox.close()
        is_delivered = self._outbox.is_delivered and not self._recorder.waiting
        if not is_delivered:
            self._workplace.look(time.monotonic())
        if not is_delivered and (self._client is not None or not self._outbox.is_written):
            self._tell_what_is_left()
        self._workplace.leave(self._channel.status, is_delivered and self._client is not None)

    # Telling

    def _tell(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._last_failure = outcome.failure
            self._notices.debug("not delivered to %s: %s", self._workplace.url, outcome.failure)
        if outcome.halt is not None:
            self._notices.warn(
                "halted",
                "nothing is delivered to %s: %s. Events are kept %s and will be sent once it "
                "takes them; after this process, %s",
                self._workplace.url,
                outcome.halt,
                self._workplace.place,
                self._workplace.later,
            )

    def _tell_what_is_left(self) -> None:
        count = self._recorder.recorded - self._settled + self._recorder.waiting
        if self._client is None:
            self._notices.warn(
                "lost", "%d events could not be written to disk: they are lost", count
            )
        elif not self._outbox.is_written or self._workplace.is_homeless:
            self._notices.warn(
                "lost",
                "%d events could neither be delivered to %s (%s) nor be written to disk",
                count,
                self._workplace.url,
                self._last_failure,
            )
        elif not self._notices.has_said("halted"):
            self._notices.warn(
                "kept",
                "%d events could not be delivered to %s (%s). They are kept %s; %s",
                count,
                self._workplace.url,
                self._last_failure,
                self._workplace.place,
                self._workplace.later,
            )
