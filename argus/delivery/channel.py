"""The caller's end of delivery: it starts the sender, hands records over and ends it in time.

Light on purpose, since a training script imports and runs it: all that is heavy is loaded by the
sender, in its own thread.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
import weakref

from argus.delivery import fork
from argus.delivery.buffer import Buffer
from argus.delivery.environment import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argus.core.settings import Settings
    from argus.delivery.notices import Notices

RUNNING = "running"
_SENDERS_SHARE = 0.9  # of the exit timeout; the rest is for writing down how it ended


class RunFacts:
    """What is to be known of a run before its first event."""

    __slots__ = ("batch_id", "config", "experiment_type", "joins", "project")

    def __init__(
        self,
        batch_id: str,
        project: str,
        experiment_type: str | None,
        config: dict[str, Any] | None = None,
        joins: bool = True,
    ) -> None:
        self.batch_id = batch_id
        self.project = project
        self.experiment_type = experiment_type
        self.config = config  # flat; its secrets are hidden where it goes out
        self.joins = joins  # somebody else has begun the batch, and tells its environment


class Channel:
    """One run's way from this process to the platform: a buffer and the thread that drains it."""

    def __init__(self, facts: RunFacts, settings: Settings, notices: Notices) -> None:
        self.facts = facts
        self.settings = settings
        self.notices = notices
        self.buffer = Buffer(notices)
        self.status = RUNNING  # what run.json will say in the end
        self.closing_at: float | None = None  # monotonic; set once, when the end is asked for
        self.is_away = False  # the platform is known not to be reachable, or not to take events
        self.uploaded = 0
        self.environment = None if facts.joins else Environment(self)
        self._finished = threading.Event()
        self._started = False
        self._is_in_child = False

    def start(self) -> None:
        """Start the sender. Raises RuntimeError where no thread can be had."""
        threading.Thread(target=self._run, name="argus-sender", daemon=True).start()
        self._started = True
        fork.watch(self)
        _open.add(self)
        if self._is_in_child and "multiprocessing" in sys.modules:
            # Its workers leave by os._exit, past atexit, but run these.
            from multiprocessing import util

            util.Finalize(None, close_all, exitpriority=0)

    def put(self, record: Any, urgent: bool = False) -> None:
        """Hand a record over."""
        if not self._started:  # the first word of a forked child
            self.start()
        self.buffer.put(record, urgent)

    def close(self, status: str) -> None:
        """Have everything written, and delivered as far as the exit timeout allows; wait for it."""
        if self.closing_at is not None or not self._started:
            return
        self.status = status
        limit_s = self.settings.exit_timeout_s
        self.closing_at = time.monotonic() + limit_s * _SENDERS_SHARE
        self.buffer.close()
        if not self._finished.wait(limit_s):
            self.notices.warn(
                "exit",
                "reporting did not end in time: %d events may not have been written down",
                len(self.buffer),
            )
        _open.discard(self)

    def after_fork_in_child(self) -> None:
        """Begin anew: thread, buffer and files are the parent's. What is in the buffer is its to
        send. The child's own sender starts with the child's first record."""
        self.notices.after_fork_in_child()
        self.buffer = Buffer(self.notices)
        self._finished = threading.Event()
        self._started = False
        self._is_in_child = True
        self.environment = None
        self.closing_at = None
        self.uploaded = 0

    def _run(self) -> None:
        try:
            with fork.importing():
                from argus.delivery.sender import Sender
            Sender(self).run()
        except Exception as error:
            self.notices.warn(
                "sender", "reporting has ended because of an error of its own: %r", error
            )
        finally:
            self._finished.set()


_open: weakref.WeakSet[Channel] = weakref.WeakSet()


def close_all() -> None:
    """Give every run that was never closed the chance to deliver what it has: at exit, and in a
    worker of `multiprocessing`, which ends without the interpreter's own exit."""
    for channel in list(_open):
        if channel.environment is not None:
            channel.environment.leave()
        channel.close(channel.status)


atexit.register(close_all)
