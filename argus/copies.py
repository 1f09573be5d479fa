"""What becomes of the copies of a Reporter and its jobs: there is one batch, however often it is named.

A copy made in this process is the thing itself. A pickle holds names alone, no token and no thread;
where it is loaded, it is what is open there by that name, else a Reporter that has yet to be opened.
"""

from __future__ import annotations

from argus import current
from argus.core.settings import DISABLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from argus.job import JobContext
    from argus.reporter import Reporter

    Itself = TypeVar("Itself", bound="OneOfItsKind")


class OneOfItsKind:
    """What no copy can stand for."""

    def __copy__(self: Itself) -> Itself:
        return self

    def __deepcopy__(self: Itself, memo: Any) -> Itself:
        return self


def reporter_again(
    kind: type[Reporter], batch_id: str, project: str, url: str | None, is_silent: bool
) -> Reporter:
    """The Reporter of `batch_id` in this process.

    A worker that was forked has it open. In one that was spawned it reports nothing, until it is
    opened: then it joins the batch, with the token of that process's environment. Where a rank is
    silent, its workers are.
    """
    opened = current.opened(batch_id)
    if opened is not None:
        return opened
    mode = DISABLED if is_silent else None
    reporter = kind(batch_id=batch_id, source_project=project, monitor_url=url, mode=mode)
    reporter._joins = True
    return reporter


def job_again(reporter: Reporter, job_id: str) -> JobContext:
    """The job of that id: the open one where there is one."""
    for job in list(reporter._jobs):
        if job.job_id == job_id:
            return job
    return reporter.job(job_id)
