"""The CPU time of the own process as Python itself tells it, for systems without a source of ours."""

from __future__ import annotations

from argus.resources.core_share import CoreShare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class ProcessTimes:
    """`proc_cpu_pct`, 100 being one core. `times` gives user and system seconds first: os.times."""

    name = "process times"

    def __init__(self, times: Callable[[], Sequence[float]]) -> None:
        self._times = times
        self._share = CoreShare()

    def read(self, now: float) -> dict[str, float]:
        """The share since the reading before; nothing on the first."""
        user_s, system_s = self._times()[:2]
        percent = self._share.percent(user_s + system_s, now)
        return {} if percent is None else {"proc_cpu_pct": percent}
