from __future__ import annotations

import sys
from pathlib import Path

import pytest

from argus.resources.cgroup import Groups, Limit, Seldom, tightest_of
from argus.resources.container_cpu import ContainerCpu
from argus.resources.container_memory import ContainerMemory
from argus.resources.linux import SystemCpu, SystemMemory
from tests.resources.container import MACHINE, OF_THE_MACHINE
from tests.resources.trees import plant

HOST_MOUNT = "31 23 0:28 /../../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def test_without_control_groups_the_machine_counts(tmp_path):
    plant(tmp_path, MACHINE)
    groups = Groups(tmp_path)
    memory = ContainerMemory(SystemMemory(tmp_path / "proc"), groups)
    assert memory.read(0.0) == OF_THE_MACHINE
    cpu = ContainerCpu(SystemCpu(tmp_path / "proc"), groups, tmp_path / "sys")
    assert cpu.read(0.0) == {}
    plant(tmp_path, {"proc/stat": "cpu  130 0 0 170 0 0 0 0 0 0\n"})
    assert cpu.read(1.0) == {"cpu_util_pct": 30.0}


def test_the_machine_s_mount_in_a_namespace_is_searched_for_the_own_group(tmp_path):
    top = "sys/fs/cgroup"
    plant(
        tmp_path,
        {
            "proc/self/stat": "77 (python) S 1 1\n",
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": HOST_MOUNT,
            f"{top}/cgroup.procs": "1\n",
            f"{top}/pods/one/abc/cgroup.procs": "0\n0\n",
            f"{top}/pods/two/def/cgroup.procs": "0\n77\n",
            f"{top}/pods/two/def/deeper/cgroup.procs": "7\n",
        },
    )
    found = Groups(tmp_path).of("memory").directories
    assert [Path(path).relative_to(tmp_path / top).as_posix() for path in found] == [
        "pods/two/def",
        "pods/two",
        "pods",
        ".",
    ]


def test_where_the_own_group_is_not_found_the_mount_s_is_all_that_binds(tmp_path):
    plant(tmp_path, {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": HOST_MOUNT})
    plant(tmp_path, {"sys/fs/cgroup/pods/one/abc/cgroup.procs": "0\n"})
    found = Groups(tmp_path).of("memory")
    assert found.directories == (str(tmp_path / "sys/fs/cgroup"),)


def test_of_equal_limits_the_outermost_counts():
    limits = {"inner": 2.0, "middle": 2.0, "outer": None, "top": 3.0}
    assert tightest_of(tuple(limits), limits.__getitem__) == Limit(2.0, "middle", 2)
    assert tightest_of((), limits.__getitem__) is None


def test_what_hardly_changes_is_looked_up_now_and_then():
    looks = iter(range(9))
    seldom = Seldom(lambda: next(looks))
    assert [seldom.at(now) for now in (0.0, 299.0, 300.0, 301.0)] == [0, 0, 1, 1]
    seldom.forget()
    assert seldom.at(302.0) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")
def test_the_real_groups_are_understood():
    root = Path("/")
    groups = Groups(root)
    machine = SystemMemory(root / "proc").read(0.0)
    values = ContainerMemory(SystemMemory(root / "proc"), groups).read(0.0)
    assert 0 < values["ram_mb"] <= values["ram_total_mb"] <= machine["ram_total_mb"]
    cpu = ContainerCpu(SystemCpu(root / "proc"), groups, root / "sys")
    cpu.read(0.0)
    assert all(0 <= share <= 100 for share in cpu.read(1000.0).values())
