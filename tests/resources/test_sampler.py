from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import argus
from argus.core.contract import data_error
from argus.resources.sampler import Sampler
from argus.resources.watched import Answer

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")

# What every Linux says; the rest depends on its hardware, and on how much time has passed.
ALWAYS = {
    "ram_mb",
    "ram_total_mb",
    "load_1m",
    "load_5m",
    "load_15m",
    "proc_cpu_pct",
    "proc_ram_mb",
    "threads",
    "n_procs",
    "open_files",
    "disk_free_mb",
    "disk_total_mb",
    "run_disk_free_mb",
    "run_disk_total_mb",
    "pid",
}


class Says:
    """A source that always answers the same; an exception is how it fails."""

    def __init__(self, name: str, answer: Any) -> None:
        self.name = name
        self._answer = answer

    def ask(self, now: float) -> Answer:
        if isinstance(self._answer, Exception):
            return Answer(None, self._answer, 0.0, 0.0)
        return Answer(self._answer, None, 0.0, 0.0)


def test_snapshot_joins_all_sources_and_says_whose_it_is():
    told: list[str] = []
    joined = Sampler([Says("a", {"ram_mb": 1.0, "x": 1}), Says("b", {"x": 2})], told.append)
    assert joined.sample(0.0) == {"ram_mb": 1.0, "x": 2, "pid": os.getpid()}
    assert told == []


def test_a_broken_source_takes_no_other_along():
    told: list[str] = []
    broken = Says("fan", OSError("no such file"))
    snapshots = Sampler([broken, Says("memory", {"ram_mb": 1.0})], told.append)
    for _ in range(5):
        assert snapshots.sample(0.0) == {"ram_mb": 1.0, "pid": os.getpid()}
    assert told == ["fan: cannot be read, its values are left out (OSError: no such file)"]
    assert snapshots.failures == 3


@on_linux
def test_this_machine_gives_a_snapshot_that_fits_the_contract(tmp_path):
    told: list[str] = []
    snapshots = Sampler.for_this_platform(tmp_path, told.append, lambda: tmp_path)
    first = snapshots.sample(0.0)
    data = snapshots.sample(60.0)
    assert "proc_cpu_pct" not in first
    assert data_error("resource_snapshot", data) is None
    assert set(data) >= ALWAYS
    assert told == []


@on_linux
def test_where_the_run_is_kept_may_be_left_open(tmp_path):
    snapshot = Sampler.for_this_platform(tmp_path, print).sample(0.0)
    assert not {name for name in snapshot if name.startswith("run_disk")}


@on_linux
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_starts_anew(tmp_path):
    Sampler.for_this_platform(tmp_path, print).sample(0.0)
    child = os.fork()
    if child == 0:
        status = 3
        try:
            told: list[str] = []
            snapshots = Sampler.for_this_platform(tmp_path, told.append)
            snapshots.sample(0.0)
            data = snapshots.sample(1.0)
            mine = (data["pid"], data["n_procs"]) == (os.getpid(), 1)
            status = 0 if mine and data["proc_cpu_pct"] < 100.0 and not told else 4
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_nothing_heavy_is_loaded():
    code = (
        "import sys; import argus.resources.sampler;"
        "print(sorted({'subprocess', 'ctypes', 'dataclasses', 'inspect', 'shutil'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=Path(argus.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
