"""A thread that does one thing now and then: heartbeat, stop poll, resource snapshot."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argus.delivery.notices import Notices


class Periodic:
    """Calls `task` about every `interval_s`, in a daemon thread, until stopped.

    The task may return the seconds until its next turn where they should be others. What it
    raises is told once and ends nothing. `first_s` is the time until the first turn.
    """

    def __init__(
        self,
        name: str,
        interval_s: float,
        task: Callable[[], float | None],
        notices: Notices,
        first_s: float,
    ) -> None:
        self._name = name
        self._interval_s = interval_s
        self._task = task
        self._notices = notices
        self._first_s = first_s
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin. Raises RuntimeError where no thread can be had."""
        threading.Thread(target=self._run, name=f"argus-{self._name}", daemon=True).start()

    def stop(self) -> None:
        """End soon; does not wait."""
        self._stopping.set()

    def _run(self) -> None:
        pause_s = self._first_s
        while not self._stopping.wait(pause_s):
            pause_s = self._interval_s
            try:
                pause_s = self._task() or self._interval_s
            except Exception as error:
                self._notices.debug("the %s failed: %r", self._name, error)
