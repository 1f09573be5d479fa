from __future__ import annotations

import pytest

from argus.resources.nvml import Nvml, NvmlError
from tests.resources.fake_driver import FakeDriver, _built, driver, old_driver

__all__ = ["_built", "driver", "old_driver"]

MB = 2**20


def test_a_list_of_processes_is_read_however_long_it_is(driver: FakeDriver):
    driver.set(crowd=1000)
    driver.set_pids(7, 8)
    nvml = Nvml([driver.library])
    device = nvml.device(0)
    assert device is not None
    listed = nvml.process_bytes(device)
    assert listed is not None
    assert len(listed) == 1002
    assert (listed[7], listed[8], listed[50_999]) == (100 * MB, 101 * MB, MB)


def test_a_list_that_never_ends_is_given_up(driver: FakeDriver):
    driver.set(crowd=10_000_000)
    nvml = Nvml([driver.library])
    device = nvml.device(0)
    assert device is not None
    assert nvml.process_bytes(device) is None


def test_what_a_driver_lacks_is_unknown(old_driver: FakeDriver):
    nvml = Nvml([old_driver.library])
    device = nvml.device(0)
    assert device is not None
    assert nvml.power_limit_mw(device) is None
    assert nvml.clock_mhz(device, 1) is None
    assert list(nvml.slices(device)) == []


def test_a_number_beyond_the_last_device_is_no_device(driver: FakeDriver):
    assert Nvml([driver.library]).device(7) is None


def test_without_a_library_it_cannot_be_had(tmp_path):
    with pytest.raises(OSError):
        Nvml([str(tmp_path / "a.so"), str(tmp_path / "b.so")])
    with pytest.raises(OSError):
        Nvml([])


def test_an_error_says_what_it_means():
    assert str(NvmlError(15)) == "NVML error 15: the GPU has fallen off the bus"
    assert str(NvmlError(777)) == "NVML error 777: unknown"
