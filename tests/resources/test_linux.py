from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from argus.resources.linux import Load, SystemCpu, SystemMemory

PROC = Path(__file__).parent / "proc"


class Moments:
    """A proc root whose content is set to one of the checked-in moments."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def become(self, moment: str) -> None:
        shutil.copytree(PROC / moment, self.root, dirs_exist_ok=True)


@pytest.fixture
def proc(tmp_path):
    moments = Moments(tmp_path / "proc")
    moments.become("first")
    return moments


def test_cpu_is_unknown_on_the_first_reading(proc):
    assert SystemCpu(proc.root).read(0.0) == {}


def test_cpu_counts_neither_idle_nor_iowait_nor_guests_twice(proc):
    cpu = SystemCpu(proc.root)
    cpu.read(0.0)
    proc.become("second")
    # user 300, system 90, softirq 5, steal 5 busy; idle 500, iowait 100 not; guest is within user
    assert cpu.read(30.0) == {"cpu_util_pct": 40.0}


def test_an_iowait_that_goes_back_makes_nothing_negative(proc):
    cpu = SystemCpu(proc.root)
    proc.become("second")
    cpu.read(0.0)
    proc.become("odd")
    assert cpu.read(30.0) == {"cpu_util_pct": 25.0}  # system 100, idle 300, iowait -50


def test_cpu_is_unknown_when_no_time_has_passed(proc):
    cpu = SystemCpu(proc.root)
    cpu.read(0.0)
    assert cpu.read(0.0) == {}


def test_memory_in_use_is_what_is_not_available(proc):
    assert SystemMemory(proc.root).read(0.0) == {"ram_total_mb": 16384.0, "ram_mb": 8192.0}


def test_memory_in_use_is_left_out_where_the_kernel_does_not_say(proc):
    proc.become("odd")
    assert SystemMemory(proc.root).read(0.0) == {"ram_total_mb": 16384.0}


def test_meminfo_without_a_total_is_a_failure(proc):
    (proc.root / "meminfo").write_text("MemFree: 12 kB\n")
    with pytest.raises(ValueError, match="MemTotal"):
        SystemMemory(proc.root).read(0.0)


def test_swap_in_use_is_what_is_not_free(proc):
    (proc.root / "meminfo").write_text("MemTotal: 2048 kB\nSwapTotal: 3072 kB\nSwapFree: 1024 kB\n")
    values = SystemMemory(proc.root).read(0.0)
    assert values == {"ram_total_mb": 2.0, "swap_total_mb": 3.0, "swap_mb": 2.0}


def test_load_is_told_over_three_times(proc):
    (proc.root / "loadavg").write_text("0.52 1.50 2.00 3/133 12670\n")
    expected = {"load_1m": 0.52, "load_5m": 1.5, "load_15m": 2.0}
    assert Load(proc.root).read(0.0) == expected


@pytest.mark.parametrize("source", [SystemCpu, SystemMemory, Load])
def test_a_missing_file_is_an_error(source, tmp_path):
    with pytest.raises(OSError):
        source(tmp_path).read(0.0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")
def test_the_real_proc_is_understood():
    root = Path("/proc")
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    memory = SystemMemory(root).read(0.0)
    assert 0 < memory["ram_mb"] < memory["ram_total_mb"]
    assert memory["ram_total_mb"] == pytest.approx(
        os.sysconf("SC_PHYS_PAGES") * page_bytes / 2**20, rel=0.01
    )
    cpu = SystemCpu(root)
    assert cpu.read(0.0) == {}
    assert all(0 <= share <= 100 for share in cpu.read(1.0).values())
    assert all(average >= 0 for average in Load(root).read(0.0).values())
