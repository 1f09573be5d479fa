"""A thread that does one thing now and then: heartbeat, stop poll, resource snapshot."""

from __future__ import annotations

import math
import threading

from argus.delivery.latch import Latch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argus.delivery.notices import Notices


class Periodic:
    """Calls `task` about every `interval_s`, in a daemon thread, until stopped.

    The task may return the seconds until its next turn where they should be others; infinity is
    the end. What it raises goes to the log and ends nothing. `first_s`: until the first turn.
    `finish` is called in the thread when it ends.
    """

    def __init__(
        self,
        name: str,
        interval_s: float,
        task: Callable[[], float | None],
        notices: Notices,
        first_s: float,
        finish: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._interval_s = interval_s
        self._task = task
        self._notices = notices
        self._first_s = first_s
        self._finish = finish
        self._stopping = Latch()
        self._thread = threading.Thread(target=self._run, name=f"argus-{name}", daemon=True)

    def start(self) -> None:
        """Begin. Raises RuntimeError where no thread can be had."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; does not wait."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = self._first_s
        while pause_s < math.inf and not self._stopping.wait(pause_s):
            pause_s = self._interval_s
            try:
                pause_s = self._task() or self._interval_s
            except Exception as error:
                self._notices.debug("the %s failed: %r", self._name, error)
        if self._finish is not None:
            self._finish()
