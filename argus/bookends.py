"""What the first and the last event of a batch say. Asked by the sender, when it writes them down."""

from __future__ import annotations

from argus.outcome import described, exit_code, is_failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from argus.delivery.channel import Channel
    from argus.delivery.notices import Notices
    from argus.launch.place import Place

    Data = Union[dict[str, Any], Callable[[], dict[str, Any]]]


def first_data(
    fields: dict[str, Any],
    given_command: str | list[str] | None,
    place: Place | None,
    channel: Channel,
) -> Data:
    """The `data` of a `batch_start`, with what only a launch or a requeued job has."""

    def data() -> dict[str, Any]:
        from argus.rundir.writer import command

        begun = {} if place is None else place.begun(channel.run_directory)
        return {**fields, "command": command(given_command), **begun}

    return data


def last_data(
    fields: dict[str, Any],
    exc: BaseException | None,
    channel: Channel | None,
    notices: Notices,
    place: Place | None,
    status: str,
) -> Data:
    """The `data` of a `batch_done` or `batch_failed`: of the exception only what is told now, so
    that nothing keeps it; the counts as they are when all the rest is written down."""
    if exc is not None and is_failure(exc):
        fields = {**fields, **described(exc), "exit_code": exit_code(exc)}

    def data() -> dict[str, Any]:
        if place is not None:
            place.ended(status)
        told = {"uploaded": channel.uploaded if channel else 0, "dropped": notices.counts}
        return {**fields, **{name: value for name, value in told.items() if value}}

    return data
