"""One batch of many jobs, held open from one hook of a framework to another.

A copy or a pickle of it holds nothing open. What a framework never ends, the end of the process does.
"""

from __future__ import annotations

import atexit
import sys

from argus.core.values import bounded_text, class_name
from argus.integrations.reporting import UnfinishedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from argus import JobContext, Reporter
    from argus.integrations.reporting import ReporterArguments


class Sweep:
    """A batch whose jobs are told apart by a key: a trial's id, or its number."""

    def __init__(self) -> None:
        self.reporter: Reporter | None = None  # None: nothing is open
        self._jobs: dict[Hashable, JobContext] = {}
        # In words: an exception would keep the frames of a training, and all tensors in them, alive.
        self._last_failure = ""

    @property
    def stopped(self) -> bool:
        """Whether the stop button was pressed. False where nothing is open."""
        return self.reporter is not None and self.reporter.stopped

    def open(self, arguments: ReporterArguments, **more: Any) -> Reporter:
        """Begin a batch; `more` goes to the Reporter. What was still open has failed: the framework
        has begun anew without a word about its end."""
        self.close(UnfinishedError(self.how_it_ended()))
        self._last_failure = ""
        self.reporter = arguments.reporter(**more).__enter__()
        atexit.register(self._close_at_exit)
        return self.reporter

    def begin(self, key: Hashable, job_id: str, **start: Any) -> JobContext | None:
        """Begin a job; one that is open under that key goes on. None where no batch is open."""
        if self.reporter is not None and key not in self._jobs:
            self._jobs[key] = self.reporter.job(job_id, **start).__enter__()
        return self.job(key)

    def job(self, key: Hashable) -> JobContext | None:
        """The open job of that key."""
        return self._jobs.get(key)

    def end(self, key: Hashable, error: BaseException | None = None) -> None:
        """End a job; it has failed where there is an error. Once is enough."""
        job = self._jobs.pop(key, None)
        if job is None:
            return
        if error is not None:
            self._last_failure = f"{job.job_id}: {class_name(error)}: {bounded_text(error, 1_000)}"
        job.__exit__(type(error) if error is not None else None, error, None)

    def close(self, error: BaseException | None = None) -> None:
        """End the batch; it has failed where there is an error. A job that is still open has failed."""
        reporter, self.reporter = self.reporter, None
        if reporter is None:
            return
        atexit.unregister(self._close_at_exit)
        try:
            for key in list(self._jobs):
                self.end(key, error or UnfinishedError("nobody told its end"))
        finally:
            reporter.__exit__(type(error) if error is not None else None, error, None)

    def _close_at_exit(self) -> None:
        # What an uncaught exception leaves behind, KeyboardInterrupt too.
        uncaught = getattr(sys, "last_value", None)
        self.close(uncaught or UnfinishedError(self.how_it_ended()))

    def how_it_ended(self) -> str:
        """What is known of the reason, where a framework tells none."""
        return self._last_failure or "nobody told its end"

    def __copy__(self) -> Sweep:
        return Sweep()

    def __deepcopy__(self, memo: Any) -> Sweep:
        return Sweep()

    def __reduce__(self) -> Any:
        return Sweep, ()
