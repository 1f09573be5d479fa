from __future__ import annotations

from argus.resources.times import ProcessTimes


def test_share_of_one_core_between_two_readings():
    readings = [(1.0, 0.5, 9.0, 9.0, 100.0), (2.0, 1.0, 99.0, 99.0, 101.0)]
    process = ProcessTimes(lambda: readings.pop(0))
    assert process.read(10.0) == {}
    assert process.read(12.0) == {"proc_cpu_pct": 75.0}  # children, the third and fourth, left out


def test_no_share_when_no_time_has_passed():
    process = ProcessTimes(lambda: (1.0, 0.0))
    process.read(10.0)
    assert process.read(10.0) == {}
