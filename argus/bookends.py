"""What the first and the last event of a batch say. Asked by the sender, when it writes them down."""

from __future__ import annotations

import time

from argus.outcome import described, exit_code, is_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from argus.delivery.channel import Channel
    from argus.reporter import Reporter

    Data = Union[dict[str, Any], Callable[[], dict[str, Any]]]


def first_data(reporter: Reporter, channel: Channel) -> Data:
    """The `data` of a `batch_start`, with what only a launch or a requeued job has."""
    fields, given_command, place = reporter._first_fields, reporter._command, reporter._place

    def data() -> dict[str, Any]:
        from argus.rundir.writer import command

        begun = {} if place is None else place.begun(channel.run_directory)
        return {**fields, "command": command(given_command), **begun}

    return data


def last_data(reporter: Reporter, exc: BaseException | None, status: str) -> Data:
    """The `data` of a `batch_done` or `batch_failed`: of the exception only what is told now, so
    that nothing keeps it; the counts as they are when all the rest is written down."""
    failures, notices, place = reporter._failures, reporter._notices, reporter._place
    fields: dict[str, Any] = {
        "n_done": failures.count(False),
        "n_failed": failures.count(True),
        "total_elapsed_s": round(time.monotonic() - reporter._opened_at, 6),
    }
    if exc is not None and is_failure(exc):
        fields = {**fields, **described(exc), "exit_code": exit_code(exc)}
    uploaded = reporter._channel.artifacts() if reporter._channel else int

    def data() -> dict[str, Any]:
        if place is not None:
            place.ended(status)
        told = {"uploaded": uploaded(), "dropped": notices.counts}
        return {**fields, **{name: value for name, value in told.items() if value}}

    return data


def upload_figures(reporter: Reporter) -> None:
    """Have what lies in the directories of `auto_upload_dirs` uploaded."""
    from argus.delivery.upload_request import BATCH_LABEL, UploadRequest

    for directory in reporter._auto_upload_dirs:
        request = UploadRequest(
            directory, "**/*", reporter._batch_id, reporter._latest_job_id, BATCH_LABEL
        )
        reporter._upload(request, wait_s=0.0)
