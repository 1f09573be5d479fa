from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from argus.resources.platforms import Surroundings, sources
from argus.resources.sampler import Sampler
from argus.resources.watched import Clocks
from tests.resources.trees import plant

CLOCKS = Clocks(time.monotonic, time.thread_time)
ALWAYS = {"pid", "disk_total_mb", "disk_free_mb"}


def around(platform: str, root: Path, run_directory: Path | None = None) -> Surroundings:
    return Surroundings(platform, root, root, lambda: run_directory, {}, CLOCKS)


def names(platform: str, root: Path) -> list[str]:
    return [source.name for source in sources(around(platform, root))]


def two_looks(platform: str, root: Path) -> tuple[set[str], list[str]]:
    told: list[str] = []
    sampler = Sampler(sources(around(platform, root)), told.append)
    sampler.sample(0.0)
    return set(sampler.sample(1.0)), told


@pytest.mark.skipif(sys.platform == "win32", reason="this system is Windows")
def test_windows_without_its_libraries_starts_and_says_so_once(tmp_path):
    keys, told = two_looks("win32", tmp_path)
    assert keys == ALWAYS
    assert len(told) == 1
    assert told[0].startswith("sources of win32: cannot be read")


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="this system has the library")
def test_a_mac_without_its_functions_starts_and_says_so_once_for_each_source(tmp_path):
    keys, told = two_looks("darwin", tmp_path)
    assert keys == ALWAYS
    assert [line.split(":")[0] for line in told] == ["system CPU", "system memory", "process tree"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_python_without_ctypes_starts_and_says_so(platform, tmp_path, monkeypatch):
    for module in list(sys.modules):
        if module.startswith("argus.resources."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "ctypes", None)
    keys, told = two_looks(platform, tmp_path)
    assert keys == ALWAYS
    assert len(told) == 1
    assert "ctypes" in told[0]


def test_another_system_says_what_python_knows(tmp_path):
    keys, told = two_looks("freebsd14", tmp_path)
    assert keys == {*ALWAYS, "proc_cpu_pct"}
    assert told == []


def test_the_run_s_own_disk_is_told_where_there_is_one(tmp_path):
    sampler = Sampler(sources(around("freebsd14", tmp_path, tmp_path)), print)
    assert {"run_disk_total_mb", "run_disk_free_mb"} < set(sampler.sample(0.0))


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="no sysconf on this system")
@pytest.mark.parametrize(
    ("files", "gpus"),
    [
        ([], []),
        (["dev/nvidiactl"], ["NVIDIA GPUs"]),
        (["dev/dxg"], ["NVIDIA GPUs"]),
        (["sys/module/amdgpu/version"], ["AMD GPUs"]),
        (["dev/nvidiactl", "sys/module/amdgpu/version"], ["NVIDIA GPUs"]),
    ],
)
def test_gpus_are_asked_for_where_there_is_a_driver(tmp_path, files, gpus):
    plant(tmp_path, dict.fromkeys(files, ""))
    assert [name for name in names("linux", tmp_path) if "GPU" in name] == gpus


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="no sysconf on this system")
def test_a_linux_whose_files_are_gone_still_tells_the_disk(tmp_path):
    told: list[Any] = []
    sampler = Sampler(sources(around("linux", tmp_path)), told.append)
    assert set(sampler.sample(0.0)) == ALWAYS
    assert len(told) == 6
