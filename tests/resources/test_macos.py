from __future__ import annotations

import os
import struct
import sys

import pytest

from argus.resources.macos import (
    HOST_CPU_LOAD_INFO,
    HOST_VM_INFO64,
    CpuTicks,
    Footprint,
    MacCpu,
    MacMemory,
    MacTree,
    parse_cpu_ticks,
    parse_rusage,
    parse_swap,
    parse_used_pages,
)

MB = 2**20
PAGE_BYTES = 16384


def cpu_ticks(user: int, system: int, idle: int, nice: int) -> bytes:
    return struct.pack("<4I", user, system, idle, nice)


def vm_info(wired: int, purgeable: int, compressed: int, internal: int) -> bytes:
    """vm_statistics64, as mach/vm_statistics.h has it."""
    return struct.pack(
        "<4I9Q2I4Q4IQ",
        *(11, 12, 13, wired),
        *range(9),
        *(purgeable, 14),
        *range(4),
        *(compressed, 15, 16, internal),
        17,
    )


def swap_usage(total: int, used: int) -> bytes:
    return struct.pack("<3QIi", total, total - used, used, PAGE_BYTES, 1)


def rusage(own: tuple[int, int], reaped: tuple[int, int], footprint: int, start: int = 5) -> bytes:
    """rusage_info_v1, as sys/resource.h has it."""
    fields = (*own, 1, 2, 3, 4, footprint * 2, footprint, start, 0, *reaped, 6, 7, 8, 9)
    return struct.pack("<16s16Q", b"u" * 16, *fields)


class FakeMac:
    """A kernel that fills in what it was told."""

    def __init__(self) -> None:
        self.statistics: dict[int, bytes] = {}
        self.sysctls: dict[str, bytes] = {}
        self.usage: dict[int, bytes] = {}
        self.parents: dict[int, int] = {}

    def host_statistics(self, flavor: int, words: int) -> bytes:
        assert len(self.statistics[flavor]) == words * 4
        return self.statistics[flavor]

    def sysctl(self, name: str, most_bytes: int) -> bytes:
        assert len(self.sysctls[name]) <= most_bytes
        return self.sysctls[name]

    def rusage(self, pid: int) -> bytes:
        if pid not in self.usage:
            raise OSError("no such process")
        return self.usage[pid]

    def children(self, pid: int) -> bytes:
        own = [child for child, parent in self.parents.items() if parent == pid]
        return struct.pack(f"<{len(own)}i", *own)

    def timebase(self) -> tuple[int, int]:
        return 125, 3  # of Apple's own chips


def test_structures_are_parsed_by_their_layout():
    assert parse_cpu_ticks(cpu_ticks(1, 2, 3, 4)) == CpuTicks(user=1, system=2, idle=3, nice=4)
    assert len(vm_info(0, 0, 0, 0)) == 38 * 4
    assert parse_used_pages(vm_info(wired=100, purgeable=7, compressed=20, internal=57)) == 170
    assert parse_swap(swap_usage(total=4 * MB, used=MB)) == (4 * MB, MB)
    assert parse_rusage(rusage((1, 2), (30, 40), 9 * MB)) == Footprint(3, 70, 5, 9 * MB)


def test_cpu_is_what_is_not_idle_though_counters_begin_anew():
    mac = FakeMac()
    cpu = MacCpu(mac)
    mac.statistics[HOST_CPU_LOAD_INFO] = cpu_ticks(2**32 - 10, 0, 100, 0)
    assert "cpu_util_pct" not in cpu.read(0.0)
    mac.statistics[HOST_CPU_LOAD_INFO] = cpu_ticks(10, 5, 175, 0)
    assert cpu.read(1.0)["cpu_util_pct"] == 25.0


@pytest.mark.skipif(not hasattr(os, "getloadavg"), reason="no load average on this system")
def test_load_is_told_from_the_first_reading_on():
    mac = FakeMac()
    mac.statistics[HOST_CPU_LOAD_INFO] = cpu_ticks(0, 0, 0, 0)
    assert set(MacCpu(mac).read(0.0)) == {"load_1m", "load_5m", "load_15m"}


def test_memory_is_what_the_activity_monitor_says():
    mac = FakeMac()
    mac.statistics[HOST_VM_INFO64] = vm_info(wired=64, purgeable=64, compressed=64, internal=192)
    mac.sysctls = {
        "hw.memsize": struct.pack("<Q", 8192 * MB),
        "vm.swapusage": swap_usage(2048 * MB, 512 * MB),
    }
    assert MacMemory(mac, PAGE_BYTES).read(0.0) == {
        "ram_total_mb": 8192.0,
        "ram_mb": 4.0,
        "swap_total_mb": 2048.0,
        "swap_mb": 512.0,
    }


def test_the_tree_counts_as_one():
    mac = FakeMac()
    own = os.getpid()
    tree = MacTree(mac)
    mac.usage = {own: rusage((0, 0), (0, 0), 100 * MB)}
    assert tree.read(10.0) == {"proc_ram_mb": 100.0, "n_procs": 1}
    second_of_ticks = 24_000_000  # 125/3 ns each
    mac.usage[own] = rusage((second_of_ticks, 0), (0, 0), 100 * MB)
    mac.usage[own + 1] = rusage((0, second_of_ticks), (0, 0), 20 * MB)
    mac.parents = {own + 1: own, own + 2: own}  # the last has just ended
    assert tree.read(12.0) == {"proc_ram_mb": 120.0, "n_procs": 2, "proc_cpu_pct": 100.0}


def test_a_kernel_that_refuses_is_an_error():
    with pytest.raises(OSError):
        MacTree(FakeMac()).read(0.0)


@pytest.mark.skipif(sys.platform != "darwin", reason="needs a Mac")
def test_the_real_kernel_is_understood():
    from argus.resources.mach import Mach

    kernel = Mach()
    memory = MacMemory(kernel, os.sysconf("SC_PAGE_SIZE")).read(0.0)
    assert 0 < memory["ram_mb"] < memory["ram_total_mb"]
    tree = MacTree(kernel)
    assert 1 < tree.read(0.0)["proc_ram_mb"] < memory["ram_total_mb"]
    assert tree.read(1000.0)["proc_cpu_pct"] >= 0
    cpu = MacCpu(kernel)
    cpu.read(0.0)
    assert all(value >= 0 for value in cpu.read(1.0).values())
