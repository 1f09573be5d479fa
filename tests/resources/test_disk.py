from __future__ import annotations

import shutil

import pytest

from argus.resources.disk import Disk


def test_disk_says_what_the_standard_library_says(tmp_path):
    usage = shutil.disk_usage(tmp_path)
    values = Disk(lambda: tmp_path, "disk").read(0.0)
    assert set(values) == {"disk_total_mb", "disk_free_mb"}
    assert values["disk_total_mb"] == pytest.approx(usage.total / 2**20, abs=0.1)
    assert values["disk_free_mb"] == pytest.approx(usage.free / 2**20, abs=1024)
    assert values["disk_free_mb"] <= values["disk_total_mb"]


def test_a_directory_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(OSError):
        Disk(lambda: tmp_path / "gone", "disk").read(0.0)


def test_the_values_are_named_by_whose_disk_it_is(tmp_path):
    assert set(Disk(lambda: tmp_path, "run_disk").read(0.0)) == {
        "run_disk_total_mb",
        "run_disk_free_mb",
    }


def test_a_run_without_a_directory_has_no_disk():
    assert Disk(lambda: None, "run_disk").read(0.0) == {}
