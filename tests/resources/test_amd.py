from __future__ import annotations

from pathlib import Path

import pytest

from argus.resources.amd import AmdGpus
from tests.resources.trees import plant

MB = 2**20


def card(slot: str, number: int, unique_id: str, busy: int, **more: str) -> dict[str, str]:
    device = f"sys/devices/pci0000:00/{slot}"
    files = {
        "vendor": "0x1002\n",
        "gpu_busy_percent": f"{busy}\n",
        "mem_info_vram_used": f"{busy * 100 * MB}\n",
        "mem_info_vram_total": f"{65536 * MB}\n",
        "unique_id": f"{unique_id}\n",
        "product_name": "AMD Instinct MI210\n",
        "hwmon/hwmon4/temp1_input": f"{40000 + busy * 100}\n",
        "hwmon/hwmon4/power1_average": "95000000\n",
        "hwmon/hwmon4/power1_cap": "300000000\n",
        "hwmon/hwmon4/freq1_input": "1700000000\n",
        **{name.replace("__", "/"): text for name, text in more.items()},
    }
    planted = {f"{device}/{name}": text for name, text in files.items()}
    return {
        **planted,
        f"sys/class/drm/card{number}/device": f"->../../../devices/pci0000:00/{slot}",
    }


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Two boards, numbered against the order of their bus; an outlet and another maker's card."""
    plant(tmp_path, card("0000:43:00.0", 0, "bb22", 50))
    plant(tmp_path, card("0000:03:00.0", 1, "aa11", 10))
    plant(tmp_path, {"sys/class/drm/card0-DP-1/status": "connected\n"})
    plant(tmp_path, {"sys/devices/pci0000:00/0000:00:02.0/vendor": "0x8086\n"})
    plant(tmp_path, {"sys/class/drm/card2/device": "->../../../devices/pci0000:00/0000:00:02.0"})
    return tmp_path


def read(root: Path, environ: dict[str, str] | None = None, tree: tuple[int, ...] = ()):
    return AmdGpus(root / "sys", root / "proc", environ or {}, lambda: tree).read(0.0)


def test_boards_are_listed_in_the_order_of_their_bus(machine):
    data = read(machine)
    first, second = data.pop("gpus")
    assert data == {
        "gpu_util_pct": 30.0,
        "gpu_mem_mb": 6000.0,
        "gpu_mem_total_mb": 131072.0,
        "gpu_power_w": 190.0,
        "gpu_temp_c": 45.0,
    }
    assert first == {
        "index": 0,
        "name": "AMD Instinct MI210",
        "uuid": "GPU-aa11",
        "util_pct": 10,
        "mem_mb": 1000.0,
        "mem_total_mb": 65536.0,
        "temp_c": 41.0,
        "power_w": 95.0,
        "power_limit_w": 300.0,
        "clock_sm_mhz": 1700.0,
    }
    assert second["uuid"] == "GPU-bb22"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HIP_VISIBLE_DEVICES": "1"}, [1]),
        ({"ROCR_VISIBLE_DEVICES": "GPU-bb22"}, [1]),
        ({"ROCR_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "0"}, [1]),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, [1, 0]),
        ({"CUDA_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "0"}, [0]),
        ({"HIP_VISIBLE_DEVICES": ""}, []),
    ],
)
def test_visible_devices_decide_which_count(machine, environ, expected):
    assert [gpu["index"] for gpu in read(machine, environ).get("gpus", ())] == expected


def test_memory_of_the_tree_is_what_the_compute_driver_counts(machine):
    plant(machine, {"proc/self/ns/pid": "->pid:[4026531836]"})
    kfd = "sys/class/kfd/kfd/proc"
    plant(machine, {f"{kfd}/100/vram_51": f"{300 * MB}\n", f"{kfd}/100/sdma_51": "5\n"})
    plant(machine, {f"{kfd}/101/vram_51": f"{30 * MB}\n", f"{kfd}/102/vram_51": f"{9 * MB}\n"})
    assert read(machine, tree=(100, 101, 500))["proc_gpu_mem_mb"] == 330.0


def test_memory_of_the_tree_is_left_out_in_a_container(machine):
    plant(machine, {"proc/self/ns/pid": "->pid:[4026532999]"})
    plant(machine, {"sys/class/kfd/kfd/proc/100/vram_51": f"{300 * MB}\n"})
    assert "proc_gpu_mem_mb" not in read(machine, tree=(100,))


def test_what_a_board_does_not_say_is_left_out(tmp_path):
    plant(tmp_path, card("0000:03:00.0", 0, "0000", 10, gpu_busy_percent="", product_name="\n"))
    (gpu,) = read(tmp_path)["gpus"]
    assert not {"util_pct", "name", "uuid"} & set(gpu)


def test_a_machine_without_such_a_board_says_nothing(tmp_path):
    assert read(tmp_path) == {}
