"""The memory that a container may use and does use, where that is less than the machine's."""

from __future__ import annotations

from argus.resources.cgroup import MOST_BYTES, Limit, Seldom, tightest_of
from argus.resources.procfs import labelled, read, read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argus.resources.cgroup import Groups, Machine

_BYTES_IN_MB = 1_048_576.0


class ContainerMemory:
    """`ram_total_mb` and `ram_mb` of the container, its swap, and `oom_kills` in it.

    As `docker stats`, `ram_mb` leaves out what the kernel can drop at once (inactive_file).
    """

    name = "memory"

    def __init__(self, machine: Machine, groups: Groups) -> None:
        self._machine = machine
        self._groups = groups
        self._limit = Seldom(self._look_up)

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

    def _look_up(self) -> tuple[int, Limit | None]:
        version, directories = self._groups.of("memory")
        return version, tightest_of(directories, _MEMORY[version].limit_bytes)

    def _of_group(self, version: int, limit: Limit) -> dict[str, float]:
        files, directory = _MEMORY[version], limit.directory
        stat = read(f"{directory}/memory.stat", MOST_BYTES)
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
        stat = read_or_none(f"{directory}/memory.stat", MOST_BYTES) or b""
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
