from __future__ import annotations

from tests.resources.container import V1, V2, Container
from tests.resources.trees import plant


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
