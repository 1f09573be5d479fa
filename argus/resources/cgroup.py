"""What a container may use and does use, where that is less than the machine: cgroup v1 and v2.

Every group above a process binds it: the tightest limit counts, and the use is that of the group
which has it. https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/
"""

from __future__ import annotations

import os
from typing import Generic, NamedTuple, TypeVar

from argus.resources.cgroup_paths import Hierarchy, hierarchy
from argus.resources.procfs import count_of_list, labelled, read, read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    class Machine(Protocol):
        """The same values of the whole machine."""

        def read(self, now: float) -> dict[str, float]: ...


_BYTES_IN_MB = 1_048_576.0
_MOST_BYTES = 1 << 16
_LOOK_UP_S = 300.0

T = TypeVar("T")


class Groups:
    """The hierarchies that bind this process, looked up again when it is moved to another group."""

    def __init__(self, root: Path) -> None:
        self._root = str(root).rstrip("/")
        self._cgroup: bytes | None = None
        self._found: dict[str, Hierarchy | None] = {}

    def of(self, controller: str) -> Hierarchy:
        """The directories of a controller; none where this system has no control groups."""
        cgroup = read_or_none(f"{self._root}/proc/self/cgroup", _MOST_BYTES)
        if cgroup != self._cgroup:
            self._cgroup, self._found = cgroup, {}
        if controller not in self._found:
            self._found[controller] = self._look_up(controller, cgroup)
        return self._found[controller] or Hierarchy(2, ())

    def _look_up(self, controller: str, cgroup: bytes | None) -> Hierarchy | None:
        path = f"{self._root}/proc/self/mountinfo"
        if cgroup is None or not os.path.exists(path):
            return None
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            mountinfo = file.read()
        text = cgroup.decode("utf-8", "surrogateescape")
        found = hierarchy(controller, text, mountinfo, lambda d: os.path.isdir(self._root + d))
        if found is None:
            return None
        return found._replace(directories=tuple(self._root + d for d in found.directories))


class ContainerMemory:
    """`ram_total_mb` and `ram_mb` of the container, its swap, and `oom_kills` in it.

    As `docker stats`, `ram_mb` leaves out what the kernel can drop at once (inactive_file).
    """

    name = "memory"

    def __init__(self, machine: Machine, groups: Groups) -> None:
        self._machine = machine
        self._groups = groups
        self._limit = _Seldom(self._look_up)

    def read(self, now: float) -> dict[str, float]:
        """The values now; those of the machine where nothing limits this process."""
        values = self._machine.read(now)
        version, limit = self._limit.at(now)
        if limit is None or limit.value >= values["ram_total_mb"] * _BYTES_IN_MB:
            return values
        try:
            return {**_without_swap(values), **self._of_group(version, limit)}
        except OSError:
            self._limit.forget()  # moved to another group
            raise

    def _look_up(self) -> tuple[int, _Limit | None]:
        version, directories = self._groups.of("memory")
        return version, _tightest(directories, _MEMORY[version].limit_bytes)

    def _of_group(self, version: int, limit: _Limit) -> dict[str, float]:
        files, directory = _MEMORY[version], limit.directory
        stat = read(f"{directory}/memory.stat", _MOST_BYTES)
        used = int(read(f"{directory}/{files.usage}", 64))
        idle_cache = labelled(stat, files.inactive_file) or 0
        values = {
            "ram_total_mb": round(limit.value / _BYTES_IN_MB, 1),
            "ram_mb": round(max(used - idle_cache, 0) / _BYTES_IN_MB, 1),
        }
        swap = files.swap_bytes(directory, used)
        if swap is not None:
            values["swap_mb"] = round(swap / _BYTES_IN_MB, 1)
        events = read_or_none(f"{directory}/{files.events}", 4096)
        kills = None if events is None else labelled(events, b"oom_kill ")
        if kills is not None:
            values["oom_kills"] = kills
        return values


class ContainerCpu:
    """`cpu_util_pct`, 100 being all that the container may use, and `cpu_throttled_pct`.

    That is the share of scheduling periods in which its quota ran out before the period did.
    """

    name = "CPU"

    def __init__(self, machine: Machine, groups: Groups, sys: Path) -> None:
        self._machine = machine
        self._groups = groups
        self._online = str(sys / "devices" / "system" / "cpu" / "online")
        self._limits = _Seldom(self._look_up)
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

    def _look_up(self) -> tuple[int, _Limit | None, _Limit | None]:
        """The version, the quota, and the tighter of quota and cpuset where it is one at all."""
        version, directories = self._groups.of("cpu")
        quota = _tightest(directories, _quota_v1 if version == 1 else _quota_v2)
        cpuset = _tightest(self._groups.of("cpuset").directories, _cpuset)
        cpus = count_of_list(read(self._online, 4096))
        limits = [limit for limit in (quota, cpuset) if limit is not None and limit.value < cpus]
        return version, quota, min(limits, key=lambda limit: limit.value, default=None)

    def _of_group(self, limit: _Limit, version: int, now: float) -> dict[str, float]:
        used_s = self._used_s(limit, version)
        before, self._before = self._before, (limit.directory, used_s, now)
        if before is None or before[0] != limit.directory or now <= before[2]:
            return {}
        share = 100.0 * (used_s - before[1]) / (now - before[2]) / limit.value
        return {"cpu_util_pct": round(min(max(share, 0.0), 100.0), 1)}

    def _used_s(self, limit: _Limit, version: int) -> float:
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

    def _throttled(self, quota: _Limit | None) -> dict[str, float]:
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


class _Seldom(Generic[T]):
    """What hardly ever changes, looked up now and then: limits may be raised during a run."""

    def __init__(self, look_up: Callable[[], T]) -> None:
        self._look_up = look_up
        self._found: tuple[float, T] | None = None

    def at(self, now: float) -> T:
        """What it was at `now`, or not long before."""
        if self._found is None or now - self._found[0] >= _LOOK_UP_S:
            self._found = now, self._look_up()
        return self._found[1]

    def forget(self) -> None:
        """Look it up the next time."""
        self._found = None


class _Limit(NamedTuple):
    value: float
    directory: str
    depth: int  # below the outermost group that can be seen


def _tightest(
    directories: tuple[str, ...], limit_of: Callable[[str], float | None]
) -> _Limit | None:
    """The smallest limit and its group: of equal ones the outermost, whose use is the larger."""
    tightest: _Limit | None = None
    for depth, directory in enumerate(reversed(directories)):
        value = limit_of(directory)
        if value is not None and (tightest is None or value < tightest.value):
            tightest = _Limit(value, directory, depth)
    return tightest


def _without_swap(machine: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in machine.items() if not name.startswith("swap")}


class _MemoryV1:
    usage = "memory.usage_in_bytes"
    events = "memory.oom_control"
    inactive_file = b"total_inactive_file"

    @staticmethod
    def limit_bytes(directory: str) -> float | None:
        """Unlimited is a number beyond any machine's memory."""
        text = read_or_none(f"{directory}/memory.limit_in_bytes", 64)
        if text is None:
            return None
        # Groups above the mount bind, too: only this line knows of them.
        stat = read_or_none(f"{directory}/memory.stat", _MOST_BYTES) or b""
        above = labelled(stat, b"hierarchical_memory_limit")
        return int(text) if above is None else min(int(text), above)

    @staticmethod
    def swap_bytes(directory: str, used: int) -> int | None:
        """Memory with swap is counted together."""
        text = read_or_none(f"{directory}/memory.memsw.usage_in_bytes", 64)
        return None if text is None else max(int(text) - used, 0)


class _MemoryV2:
    usage = "memory.current"
    events = "memory.events"
    inactive_file = b"inactive_file"

    @staticmethod
    def limit_bytes(directory: str) -> float | None:
        """The root of all groups has no such file."""
        text = read_or_none(f"{directory}/memory.max", 64)
        return None if text is None or text.startswith(b"max") else int(text)

    @staticmethod
    def swap_bytes(directory: str, used: int) -> int | None:
        """Counted by itself."""
        text = read_or_none(f"{directory}/memory.swap.current", 64)
        return None if text is None else int(text)


_MEMORY: dict[int, type[_MemoryV1] | type[_MemoryV2]] = {1: _MemoryV1, 2: _MemoryV2}


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
