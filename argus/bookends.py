"""What the first and the last event of a batch say. Asked by the sender, when it writes them down."""

from __future__ import annotations

import time

from argus.outcome import exit_code, is_failure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from argus.reporter import Reporter

    Data = Union[dict[str, Any], Callable[[], dict[str, Any]]]


def first_data(fields: dict[str, Any], given_command: str | list[str] | None) -> Data:
    """The `data` of a `batch_start`."""

    def data() -> dict[str, Any]:
        from argus.rundir.writer import command

        return {**fields, "command": command(given_command)}

    return data


def say_last(reporter: Reporter, status: str, exc: BaseException | None) -> None:
    """Put the last event of the batch, after what else is still to be said. `status` is "done",
    "failed" or "preempted"."""
    data = _last_data(reporter, exc)
    if reporter._daemons is not None:
        reporter._daemons.stop()
    if status == "done":
        reporter._auto_upload()
    if not reporter._joins:
        reporter._put("batch_done" if status == "done" else "batch_failed", None, data)


def _last_data(reporter: Reporter, exc: BaseException | None) -> Data:
    """Of the exception only what is told now, so that nothing keeps it; the counts as they are when
    all the rest is written down."""
    channel, notices, failures = reporter._channel, reporter._notices, reporter._failures
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
        counts = {"uploaded": uploaded(), "dropped": notices.counts}
        return {**fields, **{name: value for name, value in counts.items() if value}}

    return data
