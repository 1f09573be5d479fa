"""The CPU time that a container may use and does use, where that is less than the machine's."""

from __future__ import annotations

from argus.resources.cgroup import Limit, Seldom, tightest_of
from argus.resources.procfs import count_of_list, labelled, read, read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from argus.resources.cgroup import Groups, Machine


class ContainerCpu:
    """`cpu_util_pct`, 100 being all that the container may use, and `cpu_throttled_pct`.

    That is the share of scheduling periods in which its quota ran out before the period did.
    """

    name = "CPU"

    def __init__(self, machine: Machine, groups: Groups, sys: Path) -> None:
        self._machine = machine
        self._groups = groups
        self._online = str(sys / "devices" / "system" / "cpu" / "online")
        self._limits = Seldom(self._look_up)
        self._before: tuple[str, float, float] | None = None
        self._throttled_before: tuple[str, int, int] | None = None

    def read(self, now: float) -> dict[str, float]:
        """The values since the reading before; the machine's where nothing limits this process."""
        values = self._machine.read(now)
        version, quota, tightest = self._limits.at(now)
        try:
            if tightest is not None:
                values = self._of_group(tightest, version, now)
            return {**values, **self._throttled(quota)}
        except OSError:
            self._limits.forget()  # moved to another group
            raise

    def _look_up(self) -> tuple[int, Limit | None, Limit | None]:
        """The version, the quota, and the tighter of quota and cpuset where it is one at all."""
        version, directories = self._groups.of("cpu")
        quota = tightest_of(directories, _quota_v1 if version == 1 else _quota_v2)
        cpuset = tightest_of(self._groups.of("cpuset").directories, _cpuset)
        cpus = count_of_list(read(self._online, 4096))
        limits = [limit for limit in (quota, cpuset) if limit is not None and limit.value < cpus]
        return version, quota, min(limits, key=lambda limit: limit.value, default=None)

    def _of_group(self, limit: Limit, version: int, now: float) -> dict[str, float]:
        used_s = self._used_s(limit, version)
        before, self._before = self._before, (limit.directory, used_s, now)
        if before is None or before[0] != limit.directory or now <= before[2]:
            return {}
        share = 100.0 * (used_s - before[1]) / (now - before[2]) / limit.value
        return {"cpu_util_pct": round(min(max(share, 0.0), 100.0), 1)}

    def _used_s(self, limit: Limit, version: int) -> float:
        """CPU time of the limited group. In version 1, a controller of its own counts it."""
        if version == 2:
            usage_us = labelled(read(f"{limit.directory}/cpu.stat", 4096), b"usage_usec")
            if usage_us is None:
                raise ValueError("no usage_usec in cpu.stat")
            return usage_us / 1e6
        # Where each controller has a mount of its own, the groups below them are the same.
        outermost_first = self._groups.of("cpuacct").directories[::-1]
        directory = outermost_first[min(limit.depth, len(outermost_first) - 1)]
        return int(read(f"{directory}/cpuacct.usage", 64)) / 1e9

    def _throttled(self, quota: Limit | None) -> dict[str, float]:
        if quota is None:
            return {}
        stat = read(f"{quota.directory}/cpu.stat", 4096)
        periods, throttled = labelled(stat, b"nr_periods"), labelled(stat, b"nr_throttled")
        if periods is None or throttled is None:
            return {}
        before, self._throttled_before = (
            self._throttled_before,
            (quota.directory, periods, throttled),
        )
        if before is None or before[0] != quota.directory or periods <= before[1]:
            return {}
        share = 100.0 * (throttled - before[2]) / (periods - before[1])
        return {"cpu_throttled_pct": round(min(max(share, 0.0), 100.0), 1)}


def _quota_v1(directory: str) -> float | None:
    quota = read_or_none(f"{directory}/cpu.cfs_quota_us", 64)
    period = read_or_none(f"{directory}/cpu.cfs_period_us", 64)
    if quota is None or period is None or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _quota_v2(directory: str) -> float | None:
    text = read_or_none(f"{directory}/cpu.max", 64)
    if text is None or text.startswith(b"max"):
        return None
    quota, period = text.split()
    return int(quota) / int(period)


def _cpuset(directory: str) -> float | None:
    for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
        text = read_or_none(f"{directory}/{name}", 4096)
        if text is not None and text.strip():
            return float(count_of_list(text))
    return None
