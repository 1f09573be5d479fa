"""CPU, memory and the own process tree from the kernel of macOS, in its own structures.

The layouts are those of mach/host_info.h, mach/vm_statistics.h, sys/sysctl.h and sys/resource.h;
what a call filled in is parsed by a pure function, so that recorded bytes can stand in for a Mac.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from argus.resources.process import Process
from argus.resources.tree_cpu import TreeCpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Kernel(Protocol):
        """What a Mac fills in: raw structures. Raises OSError where it refuses."""

        def host_statistics(self, flavor: int, words: int) -> bytes: ...
        def sysctl(self, name: str, most_bytes: int) -> bytes: ...
        def rusage(self, pid: int) -> bytes: ...
        def children(self, pid: int) -> bytes: ...
        def timebase(self) -> tuple[int, int]: ...


_BYTES_IN_MB = 1_048_576.0
HOST_CPU_LOAD_INFO, _CPU_WORDS = 3, 4
HOST_VM_INFO64, _VM_WORDS = 4, 38
_WORD = 2**32
_MOST_MEMBERS = 1024


class CpuTicks(NamedTuple):
    """host_cpu_load_info: counters of 32 bits that begin anew at 2**32."""

    user: int
    system: int
    idle: int
    nice: int


class Footprint(NamedTuple):
    """Of rusage_info_v1: times in ticks of the machine's own clock, memory in bytes."""

    own_ticks: int
    reaped_ticks: int
    start_ticks: int
    memory_bytes: int  # phys_footprint: what is charged to this process, and to no other


def parse_cpu_ticks(raw: bytes) -> CpuTicks:
    """Of host_statistics(HOST_CPU_LOAD_INFO)."""
    return CpuTicks(*struct.unpack_from("<4I", raw))


def parse_used_pages(raw: bytes) -> int:
    """Of host_statistics64(HOST_VM_INFO64): applications, wired and compressed, as the Activity
    Monitor adds them up. What it calls cached can be given to somebody else."""
    wired = struct.unpack_from("<I", raw, 12)[0]
    purgeable = struct.unpack_from("<I", raw, 88)[0]
    compressed = struct.unpack_from("<I", raw, 128)[0]
    internal = struct.unpack_from("<I", raw, 140)[0]
    return int(max(internal - purgeable, 0) + wired + compressed)


def parse_swap(raw: bytes) -> tuple[int, int]:
    """Bytes in all and in use, of the sysctl vm.swapusage (xsw_usage)."""
    total, _, used = struct.unpack_from("<3Q", raw)
    return total, used


def parse_rusage(raw: bytes) -> Footprint:
    """Of proc_pid_rusage(RUSAGE_INFO_V1)."""
    user, system = struct.unpack_from("<2Q", raw, 16)
    footprint, start = struct.unpack_from("<2Q", raw, 72)
    child_user, child_system = struct.unpack_from("<2Q", raw, 96)
    return Footprint(user + system, child_user + child_system, start, footprint)


class MacCpu:
    """`cpu_util_pct`, and the load averages."""

    name = "system CPU"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._before: CpuTicks | None = None

    def read(self, now: float) -> dict[str, float]:
        """The share since the reading before, and the load now."""
        ticks = parse_cpu_ticks(self._kernel.host_statistics(HOST_CPU_LOAD_INFO, _CPU_WORDS))
        values = dict(zip(("load_1m", "load_5m", "load_15m"), os.getloadavg()))
        before, self._before = self._before, ticks
        if before is not None:
            spent = CpuTicks(*((new - old) % _WORD for new, old in zip(ticks, before)))
            if sum(spent):
                values["cpu_util_pct"] = round(100.0 * (1 - spent.idle / sum(spent)), 1)
        return values


class MacMemory:
    """`ram_total_mb`, `ram_mb`, and swap."""

    name = "system memory"

    def __init__(self, kernel: Kernel, page_bytes: int) -> None:
        self._kernel = kernel
        self._page_bytes = page_bytes

    def read(self, now: float) -> dict[str, float]:
        """The memory now."""
        total = struct.unpack("<Q", self._kernel.sysctl("hw.memsize", 8))[0]
        pages = parse_used_pages(self._kernel.host_statistics(HOST_VM_INFO64, _VM_WORDS))
        swap_total, swap_used = parse_swap(self._kernel.sysctl("vm.swapusage", 32))
        return {
            "ram_total_mb": round(total / _BYTES_IN_MB, 1),
            "ram_mb": round(pages * self._page_bytes / _BYTES_IN_MB, 1),
            "swap_total_mb": round(swap_total / _BYTES_IN_MB, 1),
            "swap_mb": round(swap_used / _BYTES_IN_MB, 1),
        }


class MacTree:
    """`proc_cpu_pct`, 100 being one core, `proc_ram_mb` and `n_procs` of this process's tree."""

    name = "process tree"

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._cpu = TreeCpu()
        self._then: float | None = None

    def read(self, now: float) -> dict[str, float]:
        """The values at the monotonic time `now`; no CPU share on the first reading."""
        members, memory_bytes = self._members(os.getpid())
        values = {"proc_ram_mb": round(memory_bytes / _BYTES_IN_MB, 1), "n_procs": len(members)}
        ticks, then, self._then = self._cpu.grown(members, ()), self._then, now
        if then is not None and now > then:
            numerator, denominator = self._kernel.timebase()
            spent_s = ticks * numerator / denominator / 1e9
            values["proc_cpu_pct"] = round(100.0 * spent_s / (now - then), 1)
        return values

    def _members(self, root: int) -> tuple[dict[int, Process], int]:
        members: dict[int, Process] = {}
        memory_bytes = 0
        waiting = [(root, 0)]
        while waiting and len(members) < _MOST_MEMBERS:
            pid, parent = waiting.pop()
            try:
                usage = parse_rusage(self._kernel.rusage(pid))
            except OSError:
                if pid == root:
                    raise
                continue  # it has just ended
            members[pid] = Process(
                pid, parent, usage.own_ticks, usage.reaped_ticks, 0, usage.start_ticks, 0, 0
            )
            memory_bytes += usage.memory_bytes
            raw = self._kernel.children(pid)
            children = struct.unpack(f"<{len(raw) // 4}i", raw[: len(raw) // 4 * 4])
            waiting += [(child, pid) for child in children if child > 0 and child not in members]
        return members, memory_bytes
