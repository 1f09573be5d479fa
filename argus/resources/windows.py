"""CPU, memory and the own process from Windows, in its own structures: sysinfoapi.h, psapi.h.

What a call filled in is parsed by a pure function, so that recorded bytes can stand in for a PC.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from argus.resources.core_share import CoreShare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Kernel(Protocol):
        """What Windows fills in: raw structures. Raises OSError where it refuses."""

        def memory_status(self) -> bytes: ...
        def system_times(self) -> bytes: ...
        def process_memory(self) -> bytes: ...
        def process_times(self) -> bytes: ...


_BYTES_IN_MB = 1_048_576.0
_TICKS_PER_S = 10_000_000  # a FILETIME counts tenths of a microsecond


class SystemTimes(NamedTuple):
    """Ticks of all cores together. Those of the kernel hold the idle ones."""

    idle: int
    kernel: int
    user: int


def parse_memory_status(raw: bytes) -> tuple[int, int, int, int]:
    """MEMORYSTATUSEX: bytes of memory in all and available, then with the page file's."""
    return struct.unpack_from("<4Q", raw, 8)


def parse_system_times(raw: bytes) -> SystemTimes:
    """Three FILETIMEs: idle, kernel, user."""
    return SystemTimes(*struct.unpack_from("<3Q", raw))


def parse_process_ticks(raw: bytes) -> int:
    """Four FILETIMEs: creation, exit, kernel, user; the last two are spent."""
    kernel, user = struct.unpack_from("<2Q", raw, 16)
    return int(kernel + user)


def parse_working_set(raw: bytes) -> int:
    """Bytes, of PROCESS_MEMORY_COUNTERS: the sizes in it are as wide as a pointer."""
    pointer, start = ("<Q", 16) if len(raw) >= 72 else ("<I", 12)
    return int(struct.unpack_from(pointer, raw, start)[0])


class WindowsCpu:
    """`cpu_util_pct`."""

    name = "system CPU"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._before: SystemTimes | None = None

    def read(self, now: float) -> dict[str, float]:
        """The share since the reading before; nothing on the first."""
        times = parse_system_times(self._kernel.system_times())
        before, self._before = self._before, times
        if before is None:
            return {}
        total = times.kernel + times.user - before.kernel - before.user
        idle = times.idle - before.idle
        if total <= 0 or not 0 <= idle <= total:
            return {}
        return {"cpu_util_pct": round(100.0 * (total - idle) / total, 1)}


class WindowsMemory:
    """`ram_total_mb`, `ram_mb`, and `commit_mb`: what is promised, in memory or the page file."""

    name = "system memory"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def read(self, now: float) -> dict[str, float]:
        """The memory now."""
        total, available, commit_total, commit_available = parse_memory_status(
            self._kernel.memory_status()
        )
        return {
            "ram_total_mb": round(total / _BYTES_IN_MB, 1),
            "ram_mb": round((total - available) / _BYTES_IN_MB, 1),
            "commit_mb": round((commit_total - commit_available) / _BYTES_IN_MB, 1),
        }


class WindowsProcess:
    """`proc_cpu_pct`, 100 being one core, and `proc_ram_mb`, the working set: this process alone."""

    name = "own process"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._share = CoreShare()

    def read(self, now: float) -> dict[str, float]:
        """The values at the monotonic time `now`; no CPU share on the first reading."""
        working_set = parse_working_set(self._kernel.process_memory())
        values = {"proc_ram_mb": round(working_set / _BYTES_IN_MB, 1)}
        cpu_s = parse_process_ticks(self._kernel.process_times()) / _TICKS_PER_S
        percent = self._share.percent(cpu_s, now)
        if percent is not None:
            values["proc_cpu_pct"] = percent
        return values
