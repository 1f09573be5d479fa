from __future__ import annotations

import shutil

import pytest

from tests.resources.container import GROUP, MB, OF_THE_MACHINE, UNLIMITED_V1, V1, V2, Container
from tests.resources.trees import plant


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
