"""Several items on their way at once: who carries which, and when.

A thread for each that may go at once, each with a connection of its own. Whoever has nothing to do
takes up the item that is due next.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Sequence

from argus.sync.carrier import Carrier
from argus.sync.finding import Item
from argus.sync.outlook import size_ahead
from argus.sync.pace import Pace, SharedGate
from argus.sync.task import Task, Tidings
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

NewClient = Callable[[Callable[[Patience], None]], HttpClient]


class Fleet:
    """Delivers `items`, up to `jobs` at once. `told` is called, by any thread, when one is done.
    It gives up where nothing got through for `limit_s`."""

    def __init__(
        self,
        items: Sequence[Item],
        task: Task,
        jobs: int,
        limit_s: float,
        new_client: NewClient,
        told: Callable[[Tidings], None],
    ) -> None:
        self.pace = Pace(SharedGate(random.Random(os.urandom(8)).random), limit_s)
        self._new_client = new_client
        self._told = told
        self._waiting = [Carrier(item, task, self.pace) for item in items]
        self.tidings = [carrier.tidings for carrier in self._waiting]
        for tidings in self.tidings:
            tidings.total_bytes = size_ahead(tidings.item, task)
        self._changed = threading.Condition()  # guards who waits, and who is at work
        self._at_work = 0
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"argus-sync-{number}", daemon=True)
            for number in range(min(jobs, len(self._waiting)))
        ]

    def start(self) -> None:
        """Set off."""
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of all, for so long at most. Whether it has come. Raises what ended a
        thread before its time."""
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        if self._failure is not None:
            raise self._failure
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Have all come to an end, with what is delivered so far written down."""
        self.pace.stop()
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        client = self._new_client(self._meanwhile)
        try:
            while (carrier := self._next()) is not None:
                goes_on = carrier.turn(client)
                self._put_back(carrier if goes_on else None)
                if not goes_on:
                    self._told(carrier.tidings)
        except BaseException as error:  # told in the thread that waits for this one
            self._failure = self._failure or error
            self.stop()
        finally:
            client.close()

    def _next(self) -> Carrier | None:
        """The item that is due next, when it is; None where there is none any more."""
        with self._changed:
            while not self.pace.is_stopping:
                if self._waiting:
                    carrier = min(self._waiting, key=lambda each: each.due_at)
                    wait_s = carrier.due_at - time.monotonic()
                    if wait_s <= 0:
                        self._waiting.remove(carrier)
                        self._at_work += 1
                        return carrier
                    self._changed.wait(wait_s)
                elif self._at_work:
                    self._changed.wait()  # one of those may come back
                else:
                    break
            self._changed.notify_all()
            return self._abandoned()

    def _abandoned(self) -> Carrier | None:
        """What is not taken up any more is let go of, by whoever comes first."""
        for carrier in self._waiting:
            carrier.give_up()
            self._told(carrier.tidings)
        self._waiting.clear()
        return None

    def _put_back(self, carrier: Carrier | None) -> None:
        with self._changed:
            self._at_work -= 1
            if carrier is not None:
                self._waiting.append(carrier)
            self._changed.notify_all()

    def _meanwhile(self, patience: Patience) -> None:
        patience.until(time.monotonic() if self.pace.is_stopping else self.pace.gives_up_at)
