"""The three things that happen now and then beside a training: sign of life, stop button, and what
the machine is doing. Each is a task for a `Periodic`."""

from __future__ import annotations

import os
import threading
import time

from argus.delivery import fork
from argus.delivery.periodic import Periodic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argus.core.intervals import Intervals
    from argus.delivery.channel import Channel
    from argus.delivery.stop_poll import StopPoll
    from argus.resources.sampler import Sampler

_LONGEST_PUT_S = 0.1
_FIRST_SNAPSHOT_S = 1.0  # soon, so that short runs have one; usage is told by the second look


class Daemons:
    """The daemons of one open run. `active_job` gives the id that a heartbeat names."""

    def __init__(
        self,
        channel: Channel,
        intervals: Intervals,
        active_job: Callable[[], str],
        stop: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._intervals = intervals
        self._active_job = active_job
        self._stop_training = stop
        self._threads: list[Periodic] = []
        self._poll: StopPoll | None = None
        self._sampler: Sampler | None = None
        # Reentrant: a finalizer may close the run in the middle of a turn, in its thread.
        self._putting = threading.RLock()
        self._stopped = False

    def start(self) -> None:
        """Start those that are on, as far as threads can be had; none once they were stopped."""
        with self._putting:
            if not self._stopped:
                self._start()

    def _start(self) -> None:
        intervals = self._intervals
        self._add("heartbeat", intervals.heartbeat_s, self._beat, intervals.heartbeat_s)
        self._add("resource-snapshot", intervals.snapshot_s, self._snapshot, 0.0)
        if self._channel.settings.url is None or intervals.stop_poll_s is None:
            return
        if "/" in self._channel.facts.batch_id:
            self._channel.notices.warn(
                "unpollable", "the stop button cannot reach this batch: there is a / in its id"
            )
            return
        # A thousand runs that start together need not ask together.
        first_s = intervals.stop_poll_s * (0.5 + os.urandom(1)[0] / 512)
        self._add("stop-poll", intervals.stop_poll_s, self._ask, first_s, self._hang_up)

    def stop(self) -> None:
        """End them soon; does not wait. What they report from now on goes nowhere."""
        # Bounded: a turn may be stuck in somebody's log handler.
        is_between_turns = self._putting.acquire(timeout=_LONGEST_PUT_S)
        self._stopped = True
        if is_between_turns:
            self._putting.release()
        if self._channel.environment is not None:
            self._channel.environment.leave()
        for thread in list(self._threads):
            thread.stop()

    def _add(
        self,
        name: str,
        interval_s: float | None,
        task: Callable[[], float | None],
        first_s: float | None,
        finish: Callable[[], None] | None = None,
    ) -> None:
        if interval_s is None or first_s is None:
            return
        notices = self._channel.notices
        thread = Periodic(name, interval_s, task, notices, first_s, finish)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError as error:
            notices.warn("daemon", "no thread can be started (%s): there is no %s", error, name)
        if self._stopped:  # by whoever would not wait for this
            thread.stop()

    def _beat(self) -> None:
        self._channel.notices.say_put_off()
        data: dict[str, object] = {"line": "heartbeat", "level": "debug"}
        dropped = self._channel.notices.counts
        if dropped:
            data["dropped"] = dropped
        self._put(("log_line", time.time(), self._active_job(), data, None))

    def _ask(self) -> float | None:
        if self._poll is None:
            with fork.importing():
                from argus.delivery.stop_poll import StopPoll
            self._poll = StopPoll(
                self._channel.facts.batch_id, self._channel.settings, self._channel.notices
            )
        requested, pause_s = self._poll.ask()
        if requested:
            self._stop_training()
            return float("inf")  # it never goes back
        usual_s = self._intervals.stop_poll_s
        return None if pause_s is None or usual_s is None else max(pause_s, usual_s)

    def _hang_up(self) -> None:
        if self._poll is not None:
            self._poll.close()

    def _complain(self, message: str) -> None:
        self._channel.notices.debug("%s", message)

    def _snapshot(self) -> float | None:
        if self._sampler is None:
            with fork.importing():
                from pathlib import Path

                from argus.resources.sampler import Sampler

                # "." is there even where the directory has been removed, as Path.cwd() is not.
                self._sampler = Sampler.for_this_platform(
                    Path("."), self._complain, lambda: self._channel.run_directory
                )
            self._sampler.sample(time.monotonic())  # usage is told from one look to the next
            return min(_FIRST_SNAPSHOT_S, self._intervals.snapshot_s or _FIRST_SNAPSHOT_S)
        data = self._sampler.sample(time.monotonic())
        if data:
            self._put(("resource_snapshot", time.time(), None, data, None))
        return None

    def _put(self, record: Any) -> None:
        with self._putting:  # or a turn that has begun would report after the block was left
            if not self._stopped and self._channel.closing_at is None:
                self._channel.put(record)
