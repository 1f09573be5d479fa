"""One batch of many jobs, held open from one hook of a framework to another.

A copy or a pickle of it holds nothing open. What a framework never ends, the end of the process does.
"""

from __future__ import annotations

from argus.core.values import bounded_text, class_name
from argus.integrations.frames import FrameWatch
from argus.integrations.reporting import UnfinishedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import FrameType
    from typing import Any

    from argus import JobContext, Reporter
    from argus.integrations.reporting import ReporterArguments


_UNTOLD = "nobody told its end"


class Sweep:
    """A batch whose jobs are told apart by a key: a trial's id, or its number."""

    def __init__(self) -> None:
        self.reporter: Reporter | None = None  # None: nothing is open
        self._jobs: dict[Hashable, JobContext] = {}
        # In words: an exception would keep the frames of a training, and all tensors in them, alive.
        self._last_failure = ""
        self._watch: FrameWatch | None = None

    @property
    def stopped(self) -> bool:
        """Whether the stop button was pressed. False where nothing is open."""
        return self.reporter is not None and self.reporter.stopped

    def open(self, arguments: ReporterArguments, **more: Any) -> Reporter:
        """Begin a batch; `more` goes to the Reporter. What was still open has failed: the framework
        has begun anew without a word about its end."""
        self.close(self.unfinished())
        self._last_failure = ""
        self.reporter = arguments.reporter(**more).__enter__()
        return self.reporter

    def end_with(self, frame: FrameType | None, close: Callable[[BaseException], None]) -> None:
        """Have it closed as failed, by `close`, when `frame` or else the process comes to an end while
        it is open: for frameworks that tell their callbacks of no exception."""
        self._watch = FrameWatch(frame, lambda error: close(error or self.unfinished()))

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
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if reporter is None:
            return
        try:
            for key in list(self._jobs):
                self.end(key, error or UnfinishedError(_UNTOLD))
        finally:
            reporter.__exit__(type(error) if error is not None else None, error, None)

    def unfinished(self) -> UnfinishedError:
        """What is known of the reason, where a framework tells none."""
        return UnfinishedError(self._last_failure or _UNTOLD)

    def __copy__(self) -> Sweep:
        return Sweep()

    def __deepcopy__(self, memo: Any) -> Sweep:
        return Sweep()

    def __reduce__(self) -> Any:
        return Sweep, ()
