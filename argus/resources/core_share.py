"""How busy a process kept its cores between two readings: pure arithmetic, shared by the sources."""

from __future__ import annotations


class CoreShare:
    """Turns a growing count of CPU seconds into percent of one core since the reading before."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def percent(self, cpu_s: float, now: float) -> float | None:
        """100 is one core kept busy. None on the first reading, or where there is nothing to say:
        no time has passed, or the count went back, as it does in a forked child."""
        before, self._before = self._before, (cpu_s, now)
        if before is None:
            return None
        spent_s, passed_s = cpu_s - before[0], now - before[1]
        if passed_s <= 0 or spent_s < 0:
            return None
        return round(100.0 * spent_s / passed_s, 1)
