from __future__ import annotations

import os
import time

import pytest

from argus.resources.isolated import Isolated
from argus.resources.nvidia import NvidiaGpus
from argus.resources.nvml import NvmlError
from argus.resources.watched import Clocks, Watched
from tests.resources.fake_driver import FakeDriver, _built, driver, old_driver

__all__ = ["_built", "driver", "old_driver"]

FIRST, SECOND = "GPU-aaaa0000", "GPU-aaaa1111"
HOST = "pid:[4026531836]"
CONTAINER = "pid:[4026532999]"


class Machine:
    """A /proc with processes of some numbers, and a probe of the fake driver."""

    def __init__(self, driver: FakeDriver, proc, namespace: str, *processes: int) -> None:
        (proc / "self/ns").mkdir(parents=True)
        os.symlink(namespace, proc / "self/ns/pid")
        for pid in processes:
            (proc / str(pid)).mkdir()
        self.environ: dict[str, str] = {}
        self.tree = {1000, 1001}
        libraries = ["libnvidia-ml-that-is-not-there.so", driver.library]
        self.probe = NvidiaGpus(libraries, self.environ, str(proc), lambda: self.tree)

    def read(self, visible: str | None = None):
        if visible is not None:
            self.environ["CUDA_VISIBLE_DEVICES"] = visible
        return self.probe.read(0.0)


@pytest.fixture
def machine(driver, tmp_path):
    return Machine(driver, tmp_path / "proc", HOST, 1000)


def indices(data) -> list[int]:
    return [gpu["index"] for gpu in data.get("gpus", ())]


def test_each_device_is_listed_and_the_scalars_join_them(machine):
    data = machine.read()
    first, second = data.pop("gpus")
    assert data == {
        "gpu_util_pct": 70.0,
        "gpu_mem_mb": 1548.0 + 2572.0,  # what the driver reserves for itself is left out
        "gpu_mem_total_mb": 2 * 81920.0,
        "gpu_power_w": 700.4,
        "gpu_temp_c": 61,
        "proc_gpu_mem_mb": 0.0,
    }
    assert first == {
        "index": 0,
        "name": "Fake H100",
        "uuid": "GPU-aaaa0000-1111-2222-3333-444455556666",
        "util_pct": 90,
        "mem_busy_pct": 25,
        "mem_mb": 1548.0,
        "mem_total_mb": 81920.0,
        "temp_c": 60,
        "power_w": 350.2,
        "power_limit_w": 700.0,
        "clock_sm_mhz": 1001,
        "clock_mem_mhz": 1002,
        "throttle": ["sw_power_cap", "hw_thermal"],
        "ecc_corrected": 3,
        "ecc_uncorrected": 0,
        "proc_mem_mb": 0.0,
    }
    assert (second["index"], second["util_pct"]) == (1, 50)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", [1]),
        ("1,0", [1, 0]),
        (FIRST, [0]),
        (f"{SECOND},{FIRST}", [1, 0]),
        ("0,-1,1", [0]),
        ("", []),
        ("-1", []),
    ],
)
def test_visible_devices_decide_which_count(machine, visible, expected):
    assert indices(machine.read(visible)) == expected


def test_a_choice_made_during_the_run_counts(machine):
    assert indices(machine.read()) == [0, 1]
    assert machine.read("1")["gpu_util_pct"] == 50


def test_nothing_is_said_where_no_device_counts(machine):
    assert machine.read("") == {}


def test_of_a_device_in_slices_the_first_counts(driver, machine):
    driver.set(sliced=1)
    whole, part = machine.read()["gpus"]
    assert (whole["index"], "mig" in whole) == (0, False)
    assert part["uuid"].startswith("MIG-bbbb0000")
    assert (part["index"], part["mig"], part["mem_total_mb"]) == (1, True, 40960.0)
    assert "util_pct" not in part  # the driver does not say, and 0 would be a lie


@pytest.mark.parametrize("name", ["MIG-bbbb2222", f"MIG-{SECOND}-1111-2222-3333-444455556666/3/0"])
def test_a_slice_can_be_named(driver, machine, name):
    driver.set(sliced=1)
    data = machine.read(name)
    assert [gpu["uuid"][:12] for gpu in data["gpus"]] == ["MIG-bbbb2222"]
    assert "gpu_util_pct" not in data
    assert data["gpu_mem_total_mb"] == 40960.0


def test_an_old_driver_says_what_it_can(old_driver, tmp_path):
    machine = Machine(old_driver, tmp_path / "proc", HOST, 1000)
    old_driver.set_pids(1000, 4242)
    data = machine.read("0")
    (gpu,) = data.pop("gpus")
    assert data == {
        "gpu_util_pct": 90.0,
        "gpu_mem_mb": 2048.0,
        "gpu_mem_total_mb": 81920.0,
        "gpu_power_w": 350.2,
        "gpu_temp_c": 60,
        "proc_gpu_mem_mb": 100.0,
    }
    assert gpu["throttle"] == []  # idle is no reason
    assert not {"ecc_corrected", "power_limit_w", "clock_sm_mhz"} & set(gpu)


def test_a_device_without_answers_is_listed_without_numbers(driver, machine):
    driver.set(unsupported=1)
    data = machine.read("0")
    assert data == {"gpus": [{"index": 0, "name": "Fake H100", "uuid": data["gpus"][0]["uuid"]}]}


@pytest.mark.parametrize("wide", [0, 1])
def test_memory_of_the_tree_counts_and_that_of_others_does_not(driver, machine, wide):
    driver.set(wide_entries=wide)
    driver.set_pids(1000, 4242, 1001)
    data = machine.read("0")
    assert data["proc_gpu_mem_mb"] == 100.0 + 102.0  # once, though the graphics list has them too


def test_memory_counts_in_a_container_whose_driver_numbers_as_it_does(driver, tmp_path):
    machine = Machine(driver, tmp_path / "proc", CONTAINER, 1000, 1001, 1002)
    driver.set_pids(1000, 1002)
    assert machine.read("0")["proc_gpu_mem_mb"] == 100.0


@pytest.mark.parametrize("listed", [(), (1002,), (1000, 99999), (99999,)])
def test_memory_is_left_out_where_the_numbers_may_be_the_machines(driver, tmp_path, listed):
    machine = Machine(driver, tmp_path / "proc", CONTAINER, 1000, 1001, 1002)
    driver.set_pids(*listed)
    data = machine.read("0")
    assert "proc_gpu_mem_mb" not in data
    assert data["gpu_util_pct"] == 90


def test_a_lost_device_is_an_error_to_those_that_use_it(driver, machine):
    driver.set(lost=1)
    with pytest.raises(NvmlError, match="fallen off the bus"):
        machine.read()
    assert machine.read("0")["gpu_util_pct"] == 90


def test_a_device_that_is_lost_during_the_run_is_an_error(driver, machine):
    machine.read()
    driver.set(lost=0)
    with pytest.raises(NvmlError, match="fallen off the bus"):
        machine.read()


def test_a_driver_that_stays_lost_ends_its_probe_and_is_told_once(driver, machine):
    told: list[str] = []
    watched = Watched(
        Isolated(machine.probe, Clocks(time.monotonic, time.thread_time), 60.0), told.append
    )
    assert watched.read(0.0)["gpu_util_pct"] == 70.0
    driver.set(lost=0)
    assert [watched.read(now) for now in (1.0, 2.0, 3.0)] == [{}, {}, {}]
    driver.set(lost=-1)
    assert watched.read(4.0) == {}  # not asked any more
    assert len(told) == 1
    assert told[0].endswith("(NvmlError: NVML error 15: the GPU has fallen off the bus)")


def test_a_driver_that_was_replaced_under_the_library_is_an_error(driver, machine):
    driver.set(init_code=18)
    with pytest.raises(NvmlError, match="different versions"):
        machine.read()


def test_a_library_without_a_driver_says_nothing_and_is_asked_once(driver, machine):
    driver.set(init_code=9)
    assert machine.read() == {}
    driver.set(init_code=0)
    assert machine.read() == {}


def test_a_machine_without_the_library_says_nothing(tmp_path):
    probe = NvidiaGpus([str(tmp_path / "libnvidia-ml.so.1")], {}, str(tmp_path), set)
    assert probe.read(0.0) == {}
