"""What the first and the last event of a batch say. Asked by the sender, when it writes them down."""

from __future__ import annotations

from argus.outcome import exit_code, is_failure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from argus.delivery.channel import Channel
    from argus.delivery.notices import Notices

    Data = Union[dict[str, Any], Callable[[], dict[str, Any]]]


def first_data(fields: dict[str, Any], given_command: str | list[str] | None) -> Data:
    """The `data` of a `batch_start`."""

    def data() -> dict[str, Any]:
        from argus.rundir.writer import command

        return {**fields, "command": command(given_command)}

    return data


def last_data(
    fields: dict[str, Any],
    exc: BaseException | None,
    preempted_by: str | None,
    channel: Channel | None,
    notices: Notices,
) -> Data:
    """The `data` of a `batch_done` or `batch_failed`: of the exception only what is told now, so
    that nothing keeps it; the counts as they are when all the rest is written down."""
    fields = {**fields, **told(exc, preempted_by)}
    if exc is not None and is_failure(exc):
        fields["exit_code"] = exit_code(exc)

    def data() -> dict[str, Any]:
        counts = {"uploaded": channel.uploaded if channel else 0, "dropped": notices.counts}
        return {**fields, **{name: value for name, value in counts.items() if value}}

    return data
