"""What a callback was given for its Reporter, and the batch and job that it holds open.

A framework copies and pickles its callbacks at will. Neither a copy nor a pickle of what is here
holds an open batch, and no pickle, `repr` or `vars()` a token.
"""

from __future__ import annotations

import re

from argus import Reporter
from argus.integrations.frames import FrameWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from types import FrameType
    from typing import Any

    from argus import JobContext


class ReporterArguments:
    """The arguments that all callbacks share. `reporter(**more)` is a new Reporter with them.

    A pickle comes without the token: the process that loads it takes `ARGUS_TOKEN`.
    """

    __slots__ = ("_shown", "reporter")

    def __init__(
        self,
        *,
        project: str | None,
        experiment_type: str | None,
        batch_prefix: str | None,
        argus_url: str | None = None,
        token: str | None = None,
        heartbeat: bool | float = False,
        stop_polling: bool | float = False,
        resource_snapshot: bool | float = False,
        auto_upload_dirs: Sequence[str | PathLike[str]] | None = None,
    ) -> None:
        self._shown: dict[str, Any] = {
            "project": project,
            "experiment_type": experiment_type,
            "batch_prefix": batch_prefix,
            "argus_url": _without_password(argus_url),
            "heartbeat": heartbeat,
            "stop_polling": stop_polling,
            "resource_snapshot": resource_snapshot,
            "auto_upload_dirs": auto_upload_dirs,
        }

        def reporter(**more: Any) -> Reporter:
            return _CallbacksReporter(
                batch_prefix or experiment_type or "batch",
                **{
                    "experiment_type": experiment_type,
                    "source_project": project,
                    "monitor_url": argus_url,
                    "token": token,
                    "heartbeat": heartbeat,
                    "stop_polling": stop_polling,
                    "resource_snapshot": resource_snapshot,
                    "auto_upload_dirs": auto_upload_dirs,
                    **more,
                },
            )

        # The token is in there, where nothing that lists attributes comes upon it.
        self.reporter: Callable[..., Reporter] = reporter

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._shown.items())
        return f"ReporterArguments({given})"

    def __copy__(self) -> ReporterArguments:
        return self

    def __deepcopy__(self, memo: Any) -> ReporterArguments:
        return self

    def __reduce__(self) -> Any:
        return _arguments_again, (self._shown,)


class _CallbacksReporter(Reporter):
    """One that may be opened on the first rank alone."""

    _is_callbacks = True


class HeldRun:
    """One batch with one job, open from one hook of a framework to another."""

    def __init__(self, arguments: ReporterArguments) -> None:
        self.arguments = arguments
        self.reporter: Reporter | None = None
        self.job: JobContext | None = None  # None: nothing is open
        self._watch: FrameWatch | None = None

    @property
    def stopped(self) -> bool:
        """Whether the training should end: the stop button was pressed. False where none is open."""
        return self.reporter is not None and self.reporter.stopped

    def open(
        self, job_id: str, *, model: str | None = None, dataset: str | None = None, **more: Any
    ) -> JobContext:
        """Begin a batch of one job; `more` goes to the Reporter. What was still open has failed: the
        framework has begun anew without a word about its end."""
        self.close(_unfinished())
        reporter = self.arguments.reporter(**{"n_total": 1, **more}).__enter__()
        self.reporter = reporter
        self.job = reporter.job(job_id, model=model, dataset=dataset).__enter__()
        return self.job

    def close(self, error: BaseException | None = None) -> None:
        """End the job and its batch; they have failed where there is an error. Once is enough."""
        reporter, self.reporter = self.reporter, None
        job, self.job = self.job, None
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if reporter is None:
            return
        try:
            if job is not None:
                job.__exit__(type(error) if error else None, error, None)
        finally:
            reporter.__exit__(type(error) if error else None, error, None)

    def end_with(self, frame: FrameType | None) -> None:
        """Close it as failed when `frame`, that of the training, or else the process comes to an end
        while it is open: for frameworks that tell their callbacks of no exception."""
        self._watch = FrameWatch(frame, lambda error: self.close(error or _unfinished()))

    def __copy__(self) -> HeldRun:
        return HeldRun(self.arguments)

    def __deepcopy__(self, memo: Any) -> HeldRun:
        return HeldRun(self.arguments)

    def __reduce__(self) -> Any:
        return HeldRun, (self.arguments,)


class UnfinishedError(RuntimeError):
    """A training ended, and its framework told nobody how."""


def _unfinished() -> UnfinishedError:
    return UnfinishedError("the training did not come to its end")


def _arguments_again(shown: dict[str, Any]) -> ReporterArguments:
    return ReporterArguments(**shown)


def _without_password(url: Any) -> Any:
    return re.sub(r"//[^/?#]*@", "//", url) if isinstance(url, str) else url
