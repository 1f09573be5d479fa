"""How often the three daemons of a run take their turns."""

from __future__ import annotations

from argus.core.values import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEARTBEAT_S = 300.0
STOP_POLL_S = 10.0
SNAPSHOT_S = 30.0

_MIN_INTERVAL_S = 0.05
_MAX_INTERVAL_S = 86_400.0 * 7  # longer waits overflow what some platforms' locks can count


class Intervals:
    """The seconds between two turns of each daemon; None where it is off."""

    __slots__ = ("heartbeat_s", "snapshot_s", "stop_poll_s")

    def __init__(
        self, heartbeat_s: float | None, stop_poll_s: float | None, snapshot_s: float | None
    ) -> None:
        self.heartbeat_s = heartbeat_s
        self.stop_poll_s = stop_poll_s
        self.snapshot_s = snapshot_s

    @classmethod
    def of(cls, heartbeat: Any, stop_polling: Any, resource_snapshot: Any) -> Intervals:
        """What a caller asks for: each is True, False or a number of seconds."""
        return cls(
            interval_s(heartbeat, HEARTBEAT_S),
            interval_s(stop_polling, STOP_POLL_S),
            interval_s(resource_snapshot, SNAPSHOT_S),
        )


def interval_s(value: Any, default_s: float) -> float | None:
    """The seconds that `True`, `False` or a number stands for; None is off.

    What is neither counts as True. Raises nothing; a number out of bounds is brought within.
    """
    value = plain(value)  # the `True` of numpy is none of Python's
    if value is False or value is None:
        return None
    if value is True:
        return default_s
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return default_s
    if seconds <= 0:
        return None
    if not seconds > 0:  # NaN
        return default_s
    return min(max(seconds, _MIN_INTERVAL_S), _MAX_INTERVAL_S)
