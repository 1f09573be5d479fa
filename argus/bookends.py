"""What the first and the last event of a batch say. Asked by the sender, when it writes them down."""

from __future__ import annotations

import time

from argus.core.fields import fitted
from argus.core.statuses import DONE
from argus.guard import never_raises
from argus.outcome import exit_code, is_failure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from argus.delivery.channel import Channel
    from argus.reporter import Reporter

    Data = Union[dict[str, Any], Callable[[], dict[str, Any]]]


@never_raises(None)
def first_fields(reporter: Reporter, experiment_type: Any, n_total: Any) -> dict[str, Any]:
    """What a caller has said for the `batch_start`, as far as it fits."""
    given = {"experiment_type": experiment_type, "n_total_jobs": n_total}
    fields, mistakes = fitted("batch_start", given)
    if mistakes:
        reporter._notices.mistake("experiment_type should be a text, and n_total a whole number")
    return fields


def first_data(reporter: Reporter, channel: Channel) -> Data:
    """The `data` of a `batch_start`, with what only a launch or a requeued job has."""
    fields, given_command, place = reporter._first_fields, reporter._command, reporter._place

    def data() -> dict[str, Any]:
        from argus.rundir.writer import command

        begun = {} if place is None else place.begun(channel.run_directory)
        return {**fields, "command": command(given_command), **begun}

    return data


def say_last(reporter: Reporter, status: str, exc: BaseException | None) -> None:
    """Put the last event of the batch, after what else is still to be said. `status` is "done",
    "failed" or "preempted"."""
    data = _last_data(reporter, status, exc)
    if reporter._daemons is not None:
        reporter._daemons.stop()
    if status == DONE:
        _upload_figures(reporter)
    if not reporter._joins:
        reporter._put("batch_done" if status == DONE else "batch_failed", None, data)


def _last_data(reporter: Reporter, status: str, exc: BaseException | None) -> Data:
    """Of the exception only what is told now, so that nothing keeps it; the counts as they are when
    all the rest is written down."""
    channel, notices, place = reporter._channel, reporter._notices, reporter._place
    failures = reporter._failures
    fields: dict[str, Any] = {
        "n_done": failures.count(False),
        "n_failed": failures.count(True),
        "total_elapsed_s": round(time.monotonic() - reporter._opened_at, 6),
        **told(exc, reporter._preemption.signal),
    }
    if exc is not None and is_failure(exc):
        fields["exit_code"] = exit_code(exc)
    uploaded = channel.artifacts() if channel else int

    def data() -> dict[str, Any]:
        if place is not None:
            place.ended(status)
        counts = {"uploaded": uploaded(), "dropped": notices.counts}
        return {**fields, **{name: value for name, value in counts.items() if value}}

    return data


def _upload_figures(reporter: Reporter) -> None:
    """Have what lies in the directories of `auto_upload_dirs` uploaded."""
    from argus.delivery.upload_request import BATCH_LABEL, UploadRequest

    for directory in reporter._auto_upload_dirs:
        request = UploadRequest(
            directory, "**/*", reporter._batch_id, reporter._latest_job_id, BATCH_LABEL
        )
        reporter._upload(request, wait_s=0.0)
