from __future__ import annotations

import pytest

from argus.resources.visible import visible

NAMES = [["GPU-aa01"], ["GPU-aa02"], ["GPU-bb03"], ["MIG-cc04", "MIG-GPU-bb03/1/0"]]
NUMBERED = 3


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", [0]),
        ("2,0", [2, 0]),
        (" 1 , 2 ", [1, 2]),
        ("1,7,0", [1]),
        ("1,-1,0", [1]),
        ("1,,0", [1]),
        ("3", []),  # a slice has no number
        ("1gpu,2ampere", [1, 2]),
        ("0,1,0", []),
        ("GPU-bb03", [2]),
        ("GPU-b", [2]),
        ("gpu-BB", [2]),
        ("GPU-aa", []),  # two begin so
        ("GPU-aa02,GPU-none,GPU-aa01", [1]),
        ("GPU-aa02,GPU-aa02", []),
        ("MIG-cc04", [3]),
        ("MIG-GPU-bb03/1/0", [3]),
        ("0," + "9" * 5000, [0]),
    ],
)
def test_the_driver_s_own_rules(setting, expected):
    assert visible(setting, NAMES, NUMBERED) == expected
