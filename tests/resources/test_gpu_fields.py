from __future__ import annotations

from typing import Any

from argus.resources.gpu_fields import gpu_fields


def test_no_gpu_is_no_field():
    assert gpu_fields([]) == {}


def test_utilisation_is_a_mean_memory_a_sum_and_temperature_the_highest():
    gpus = [
        {"util_pct": 10, "mem_mb": 1.5, "mem_total_mb": 10.0, "temp_c": 50, "power_w": 100.0},
        {"util_pct": 15, "mem_mb": 2.5, "mem_total_mb": 10.0, "temp_c": 40, "power_w": 50.0},
    ]
    assert gpu_fields(gpus) == {
        "gpu_util_pct": 12.5,
        "gpu_mem_mb": 4.0,
        "gpu_mem_total_mb": 20.0,
        "gpu_power_w": 150.0,
        "gpu_temp_c": 50,
        "gpus": gpus,
    }


def test_a_sum_with_an_unknown_part_is_left_out():
    gpus: list[dict[str, Any]] = [{"util_pct": 10, "mem_mb": 1.0, "temp_c": 50}, {"index": 1}]
    assert gpu_fields(gpus) == {"gpu_util_pct": 10.0, "gpu_temp_c": 50, "gpus": gpus}
