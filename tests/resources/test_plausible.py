from __future__ import annotations

import math
from typing import Any

import pytest

from argus.resources.plausible import without_lies


def test_what_can_be_true_passes():
    values: dict[str, Any] = {
        "cpu_util_pct": 100.0,
        "proc_cpu_pct": 6400.0,
        "ram_mb": 0.0,
        "ram_total_mb": 1.0,
        "n_procs": 10**6,
        "host": "node",
        "gpus": [{"temp_c": 90, "throttle": ["hw_thermal"], "mig": True}],
    }
    assert without_lies(values) == (values, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ram_mb", -1.0),
        ("ram_mb", math.nan),
        ("load_1m", math.inf),
        ("cpu_util_pct", 100.1),
        ("gpu_util_pct", 2**32 - 1),
        ("gpu_temp_c", 2**32 - 1),
        ("gpu_mem_mb", 2.0**64 / 2**20),
        ("n_procs", -1),
        ("ram_mb", object()),
        ("ram_mb", None),
    ],
)
def test_what_cannot_be_true_is_left_out(name, value):
    assert without_lies({name: value, "other": 1}) == ({"other": 1}, [name])


def test_a_part_is_not_more_than_its_whole():
    values = {"ram_mb": 3.0, "ram_total_mb": 2.0, "disk_free_mb": 1.0}
    assert without_lies(values) == ({"ram_total_mb": 2.0, "disk_free_mb": 1.0}, ["ram_mb"])


def test_a_list_is_looked_through():
    gpus = [{"index": 0, "util_pct": 101}, {"index": 1, "mem_mb": 2.0, "mem_total_mb": 1.0}]
    kept, lies = without_lies({"gpus": gpus})
    assert kept == {"gpus": [{"index": 0}, {"index": 1, "mem_total_mb": 1.0}]}
    assert lies == ["gpus: util_pct", "gpus: mem_mb"]
