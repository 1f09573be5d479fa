from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argus.resources.process_tree import ProcessTree
from tests.resources.trees import PAGE_BYTES, TICKS_PER_S, FakeProc, plant

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")


def tree_of(root: Path) -> ProcessTree:
    return ProcessTree(root, TICKS_PER_S, PAGE_BYTES, lambda: 0.0)


def test_the_tree_is_told_as_one(tmp_path):
    proc = FakeProc(tmp_path)
    plant(tmp_path, {f"self/fd/{number}": "" for number in range(4)})
    proc.put(100, own=1000, pages=256 + 40, threads=3)
    tree = tree_of(tmp_path)
    first = tree.read(10.0)
    first.pop("open_files")  # a directory's size is told by the file system here
    assert first == {"proc_ram_mb": 1.0, "threads": 3, "n_procs": 1}
    proc.put(100, own=1050, pages=256 + 40, threads=3)
    proc.put(200, 100, own=100, pages=128 + 40)
    assert tree.read(11.0)["proc_cpu_pct"] == 150.0
    assert tree.read(12.0)["proc_ram_mb"] == 1.5
    assert tree.pids() == {100, 200}


def test_no_share_when_no_time_has_passed(tmp_path):
    FakeProc(tmp_path)
    tree = tree_of(tmp_path)
    tree.read(1.0)
    assert "proc_cpu_pct" not in tree.read(1.0)


def test_a_forked_child_needs_a_probe_of_its_own(tmp_path):
    proc = FakeProc(tmp_path)
    tree = tree_of(tmp_path)
    tree.read(1.0)
    proc.put(200, 100)
    plant(tmp_path, {"self/stat": (tmp_path / "200/stat").read_text()})
    with pytest.raises(ValueError, match="forked"):
        tree.read(2.0)
    assert tree_of(tmp_path).read(2.0)["n_procs"] == 1


def real_tree() -> ProcessTree:
    ticks_per_s, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return ProcessTree(Path("/proc"), ticks_per_s, page_bytes, time.thread_time)


@on_linux
def test_a_real_child_is_of_the_tree_while_it_lives():
    tree = real_tree()
    before = tree.read(0.0)
    command = [sys.executable, "-S", "-c", "print(flush=True); input()"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        during = tree.read(1.0)
        assert child.pid in tree.pids()
        child.communicate("\n")
    after = tree.read(2.0)
    assert during["n_procs"] == before["n_procs"] + 1
    assert during["proc_ram_mb"] > before["proc_ram_mb"]
    assert after["n_procs"] == before["n_procs"]
    assert child.pid not in tree.pids()


@on_linux
def test_the_work_of_a_child_that_came_and_went_is_not_lost():
    tree = real_tree()
    tree.read(0.0)
    work = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-S", "-c", work], check=True, timeout=60)
    share = tree.read(1.0)["proc_cpu_pct"]
    assert share >= 25.0  # of a second by its own count, whatever the clock says
    assert tree.read(2.0)["proc_cpu_pct"] < share


@on_linux
def test_open_files_are_those_of_this_process():
    tree = real_tree()
    before = tree.read(0.0)["open_files"]
    descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        assert tree.read(1.0)["open_files"] == before + 20
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
