from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from argus.resources.cgroup import ContainerCpu, ContainerMemory, Groups
from argus.resources.linux import SystemCpu, SystemMemory
from tests.resources.trees import plant

MB = 2**20
UNLIMITED_V1 = "9223372036854771712\n"
MACHINE = {
    "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n"
    "SwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
    "proc/stat": "cpu  100 0 0 100 0 0 0 0 0 0\n",
    "sys/devices/system/cpu/online": "0-7\n",
}
OF_THE_MACHINE = {
    "ram_total_mb": 16384.0,
    "ram_mb": 8192.0,
    "swap_total_mb": 2.0,
    "swap_mb": 1.0,
}
V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "".join(
    f"3{number} 23 0:3{number} / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
    for number, name in enumerate(("memory", "cpu", "cpuacct", "cpuset"))
)
GROUP = "sys/fs/cgroup"


class Container:
    """A machine with 8 cores and 16 GB, and groups that bind this process."""

    def __init__(self, root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> None:
        self.root = root
        plant(root, {**MACHINE, "proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts})
        self.put(files)
        groups = Groups(root)
        proc, sys = root / "proc", root / "sys"
        self.memory = ContainerMemory(SystemMemory(proc), groups)
        self.cpu = ContainerCpu(SystemCpu(proc), groups, sys)

    def put(self, files: dict[str, str]) -> None:
        plant(self.root, {f"{GROUP}/{name}": text for name, text in files.items()})


def v2_group(name: str, limit: str, used_mb: int, cache_mb: int = 0) -> dict[str, str]:
    return {
        f"{name}memory.max": f"{limit}\n",
        f"{name}memory.current": f"{used_mb * MB}\n",
        f"{name}memory.stat": f"anon 5\nfile 7\ninactive_file {cache_mb * MB}\n",
        f"{name}memory.swap.current": f"{3 * MB}\n",
        f"{name}memory.events": "low 0\nhigh 0\nmax 9\noom 4\noom_kill 2\n",
    }


def v1_group(name: str, limit: str, used_mb: int, above: str = UNLIMITED_V1) -> dict[str, str]:
    return {
        f"memory/{name}memory.limit_in_bytes": limit,
        f"memory/{name}memory.usage_in_bytes": f"{used_mb * MB}\n",
        f"memory/{name}memory.memsw.usage_in_bytes": f"{(used_mb + 5) * MB}\n",
        f"memory/{name}memory.stat": f"cache 1\ninactive_file 1\nhierarchical_memory_limit {above}"
        f"total_inactive_file {100 * MB}\n",
        f"memory/{name}memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    }


def test_memory_of_a_container_is_what_docker_stats_says(tmp_path):
    container = Container(tmp_path, "0::/", V2, v2_group("", str(4096 * MB), 1500, cache_mb=500))
    assert container.memory.read(0.0) == {
        "ram_total_mb": 4096.0,
        "ram_mb": 1000.0,
        "swap_mb": 3.0,
        "oom_kills": 2,
    }


def test_memory_of_a_container_of_version_1(tmp_path):
    container = Container(tmp_path, "4:memory:/", V1, v1_group("", f"{4096 * MB}\n", 1500))
    assert container.memory.read(0.0) == {
        "ram_total_mb": 4096.0,
        "ram_mb": 1400.0,
        "swap_mb": 5.0,
        "oom_kills": 3,
    }


@pytest.mark.parametrize("limit", ["max", str(64 * 1024 * MB), str(16384 * MB)])
def test_without_a_limit_below_the_machine_s_memory_the_machine_counts(tmp_path, limit):
    container = Container(tmp_path, "0::/", V2, v2_group("", limit, 1500))
    assert container.memory.read(0.0) == OF_THE_MACHINE


def test_unlimited_of_version_1_is_the_machine(tmp_path):
    container = Container(tmp_path, "4:memory:/", V1, v1_group("", UNLIMITED_V1, 1500))
    assert container.memory.read(0.0) == OF_THE_MACHINE


def test_without_control_groups_the_machine_counts(tmp_path):
    plant(tmp_path, MACHINE)
    groups = Groups(tmp_path)
    memory = ContainerMemory(SystemMemory(tmp_path / "proc"), groups)
    assert memory.read(0.0) == OF_THE_MACHINE
    cpu = ContainerCpu(SystemCpu(tmp_path / "proc"), groups, tmp_path / "sys")
    assert cpu.read(0.0) == {}
    plant(tmp_path, {"proc/stat": "cpu  130 0 0 170 0 0 0 0 0 0\n"})
    assert cpu.read(1.0) == {"cpu_util_pct": 30.0}


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        (2048, 4096, (2048.0, 100.0)),
        (4096, 2048, (2048.0, 700.0)),
        (2048, 2048, (2048.0, 700.0)),  # the outer one's use comes first to the limit
    ],
)
def test_the_tightest_of_nested_limits_counts_with_its_own_use(tmp_path, inner, outer, expected):
    files = {
        **v2_group("pod/job/", str(inner * MB), 100),
        **v2_group("pod/", str(outer * MB), 700),
        **v2_group("", "max", 9000),
    }
    values = Container(tmp_path, "0::/pod/job", V2, files).memory.read(0.0)
    assert (values["ram_total_mb"], values["ram_mb"]) == expected


def test_a_limit_above_what_is_mounted_counts_in_version_1(tmp_path):
    files = v1_group("", UNLIMITED_V1, 600, above=f"{2048 * MB}\n")
    values = Container(tmp_path, "4:memory:/", V1, files).memory.read(0.0)
    assert (values["ram_total_mb"], values["ram_mb"]) == (2048.0, 500.0)


def test_a_limit_that_is_raised_is_noticed_within_minutes(tmp_path):
    container = Container(tmp_path, "0::/", V2, v2_group("", str(2048 * MB), 100))
    container.memory.read(0.0)
    container.put(v2_group("", str(4096 * MB), 100))
    seen = [container.memory.read(now)["ram_total_mb"] for now in (30.0, 330.0)]
    assert seen == [2048.0, 4096.0]


def test_a_process_that_is_moved_is_found_again(tmp_path):
    container = Container(tmp_path, "0::/a", V2, v2_group("a/", str(2048 * MB), 100))
    container.memory.read(0.0)
    shutil.rmtree(tmp_path / GROUP / "a")
    container.put(v2_group("b/", str(1024 * MB), 200))
    plant(tmp_path, {"proc/self/cgroup": "0::/b"})
    with pytest.raises(OSError):
        container.memory.read(30.0)
    assert container.memory.read(60.0)["ram_total_mb"] == 1024.0


def v2_cpu(quota: str, used_us: int, periods: int = 0, throttled: int = 0) -> dict[str, str]:
    stat = f"usage_usec {used_us}\nuser_usec 1\nnr_periods {periods}\nnr_throttled {throttled}\n"
    return {"cpu.max": f"{quota} 100000\n", "cpu.stat": stat}


def test_all_that_the_quota_allows_is_100_percent(tmp_path):
    container = Container(tmp_path, "0::/", V2, v2_cpu("200000", 5_000_000, 100, 10))
    assert container.cpu.read(10.0) == {}
    container.put(v2_cpu("200000", 6_000_000, 200, 35))
    assert container.cpu.read(11.0) == {"cpu_util_pct": 50.0, "cpu_throttled_pct": 25.0}
    container.put(v2_cpu("200000", 9_000_000, 200, 35))  # a burst
    assert container.cpu.read(12.0) == {"cpu_util_pct": 100.0}


def test_a_cpuset_is_all_that_may_be_used(tmp_path):
    files = {**v2_cpu("max", 0), "cpuset.cpus.effective": "2-3,6\n"}
    container = Container(tmp_path, "0::/", V2, files)
    container.cpu.read(0.0)
    container.put(v2_cpu("max", 1_500_000))
    assert container.cpu.read(1.0) == {"cpu_util_pct": 50.0}


def test_the_tighter_of_quota_and_cpuset_counts(tmp_path):
    files = {**v2_cpu("150000", 0), "cpuset.cpus.effective": "0\n"}
    container = Container(tmp_path, "0::/", V2, files)
    container.cpu.read(0.0)
    container.put(v2_cpu("150000", 500_000))
    assert container.cpu.read(1.0) == {"cpu_util_pct": 50.0}


def test_without_a_limit_the_machine_s_cpus_count(tmp_path):
    files = {**v2_cpu("max", 0), "cpuset.cpus.effective": "0-7\n"}
    container = Container(tmp_path, "0::/", V2, files)
    assert container.cpu.read(0.0) == {}
    plant(tmp_path, {"proc/stat": "cpu  130 0 0 170 0 0 0 0 0 0\n"})
    assert container.cpu.read(1.0) == {"cpu_util_pct": 30.0}


def v1_cpu(name: str, quota: int, used_ns: int) -> dict[str, str]:
    return {
        f"cpu/{name}cpu.cfs_quota_us": f"{quota}\n",
        f"cpu/{name}cpu.cfs_period_us": "100000\n",
        f"cpu/{name}cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
        f"cpuacct/{name}cpuacct.usage": f"{used_ns}\n",
    }


def test_cpu_of_version_1_is_counted_by_a_controller_of_its_own(tmp_path):
    cgroup = "3:cpu:/pod/job\n2:cpuacct:/pod/job\n"
    container = Container(
        tmp_path,
        cgroup,
        V1,
        {**v1_cpu("pod/job/", -1, 0), **v1_cpu("pod/", 400000, 0), **v1_cpu("", -1, 0)},
    )
    container.cpu.read(0.0)
    container.put({**v1_cpu("pod/job/", -1, 10**9), **v1_cpu("pod/", 400000, 2 * 10**9)})
    assert container.cpu.read(1.0) == {"cpu_util_pct": 50.0}


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
