from __future__ import annotations

import struct
import sys

import pytest

from argus.resources.windows import (
    SystemTimes,
    WindowsCpu,
    WindowsMemory,
    WindowsProcess,
    parse_memory_status,
    parse_process_ticks,
    parse_system_times,
    parse_working_set,
)

MB = 2**20
SECOND = 10_000_000


def memory_status(total: int, available: int, commit: int, commit_available: int) -> bytes:
    """MEMORYSTATUSEX, as sysinfoapi.h has it."""
    return struct.pack("<2I7Q", 64, 50, total, available, commit, commit_available, 1, 2, 3)


def memory_counters(working_set: int, pointer: str) -> bytes:
    """PROCESS_MEMORY_COUNTERS, as psapi.h has it."""
    return struct.pack(f"<2I8{pointer}", 72, 5, working_set * 2, working_set, 3, 4, 5, 6, 7, 8)


class FakeWindows:
    """A kernel that fills in what it was told."""

    def __init__(self) -> None:
        self.system = (0, 0, 0)
        self.process = (0, 0)

    def memory_status(self) -> bytes:
        return memory_status(8192 * MB, 2048 * MB, 10240 * MB, 1024 * MB)

    def system_times(self) -> bytes:
        return struct.pack("<3Q", *self.system)

    def process_memory(self) -> bytes:
        return memory_counters(150 * MB, "Q")

    def process_times(self) -> bytes:
        return struct.pack("<4Q", 133_000_000_000_000_000, 0, *self.process)


def test_structures_are_parsed_by_their_layout():
    assert parse_memory_status(memory_status(4, 3, 2, 1)) == (4, 3, 2, 1)
    assert parse_system_times(struct.pack("<3Q", 1, 2, 3)) == SystemTimes(1, 2, 3)
    assert parse_process_ticks(struct.pack("<4Q", 9, 9, 2, 3)) == 5


@pytest.mark.parametrize("pointer", ["Q", "I"])
def test_sizes_are_as_wide_as_a_pointer(pointer):
    assert parse_working_set(memory_counters(7 * MB, pointer)) == 7 * MB


def test_cpu_is_what_is_not_idle_which_the_kernel_s_time_holds():
    windows = FakeWindows()
    cpu = WindowsCpu(windows)
    assert cpu.read(0.0) == {}
    windows.system = (60 * SECOND, 70 * SECOND, 10 * SECOND)
    assert cpu.read(1.0) == {"cpu_util_pct": 25.0}
    assert cpu.read(1.0) == {}


def test_memory_is_what_is_not_available():
    values = WindowsMemory(FakeWindows()).read(0.0)
    assert values == {"ram_total_mb": 8192.0, "ram_mb": 6144.0, "commit_mb": 9216.0}


def test_process_cpu_is_percent_of_one_core():
    windows = FakeWindows()
    process = WindowsProcess(windows)
    assert process.read(10.0) == {"proc_ram_mb": 150.0}
    windows.process = (1 * SECOND, 2 * SECOND)
    assert process.read(12.0) == {"proc_ram_mb": 150.0, "proc_cpu_pct": 150.0}


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows")
def test_the_real_kernel_is_understood():
    from argus.resources.win32 import Win32

    kernel = Win32()
    memory = WindowsMemory(kernel).read(0.0)
    assert 0 < memory["ram_mb"] < memory["ram_total_mb"]
    assert 1 < WindowsProcess(kernel).read(0.0)["proc_ram_mb"] < memory["ram_total_mb"]
    cpu = WindowsCpu(kernel)
    cpu.read(0.0)
    assert all(0 <= share <= 100 for share in cpu.read(1.0).values())
