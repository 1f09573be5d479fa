"""What psutil says at the same moment, where it is installed. Bounds are wide: the machine is shared."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from argus.resources.linux import Load, SystemMemory
from argus.resources.process_tree import ProcessTree
from argus.resources.traffic import Network

psutil: Any = pytest.importorskip("psutil")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")

PROC = Path("/proc")
MB = 2**20


def real_tree() -> ProcessTree:
    ticks_per_s, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return ProcessTree(PROC, ticks_per_s, page_bytes, time.thread_time)


def apart(ours: Callable[[], float], theirs: Callable[[], float]) -> float:
    """The median difference of pairs that were asked for one after the other."""
    return statistics.median(abs(ours() - theirs()) for _ in range(9))


def test_memory_of_the_machine():
    memory = SystemMemory(PROC)
    total_mb = psutil.virtual_memory().total / MB

    def theirs() -> float:
        now = psutil.virtual_memory()
        return float(now.total - now.available) / MB

    assert memory.read(0.0)["ram_total_mb"] == pytest.approx(total_mb, rel=0.001)
    assert apart(lambda: memory.read(0.0)["ram_mb"], theirs) < 0.02 * total_mb + 100
    assert memory.read(0.0)["swap_total_mb"] == pytest.approx(
        psutil.swap_memory().total / MB, abs=1
    )


def test_load_of_the_machine():
    load = Load(PROC)
    assert apart(lambda: load.read(0.0)["load_15m"], lambda: psutil.getloadavg()[2]) < 1.0


def test_threads_and_files_of_this_process():
    tree, process = real_tree(), psutil.Process()
    assert apart(lambda: tree.read(0.0)["open_files"], process.num_fds) <= 2
    children = process.children(recursive=True)
    assert tree.read(0.0)["n_procs"] == len(children) + 1


def test_memory_of_a_tree_with_forked_and_spawned_workers():
    work = (
        "import os, sys; os.fork(); os.fork();"
        "held = b'x' * 20_000_000; print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-S", "-W", "ignore", "-c", work]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(4):
            child.stdout.readline()
        members = [psutil.Process(), *psutil.Process().children(recursive=True)]
        theirs_mb = sum(process.memory_full_info().pss for process in members) / MB
        tree = real_tree()
        values = [tree.read(float(turn)) for turn in range(len(members) + 1)]
    assert values[-1]["n_procs"] == len(members)
    assert values[-1]["proc_ram_mb"] == pytest.approx(theirs_mb, rel=0.1, abs=5)


def test_traffic_of_the_network_is_counted_in_the_same_way():
    network = Network(PROC, Path("/sys"))
    network.read(0.0)
    physical = {
        name
        for name in psutil.net_io_counters(pernic=True)
        if os.path.exists(f"/sys/class/net/{name}/device")
    }
    counted = set(network._growth._before or ())
    assert counted == (physical or set(psutil.net_io_counters(pernic=True)) - {"lo"})
