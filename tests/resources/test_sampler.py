from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import argus
from argus.core.contract import data_error
from argus.resources import sampler
from argus.resources.sampler import Sampler


class Scripted:
    """A probe that answers from a list; an exception in it is raised."""

    def __init__(self, name, *answers):
        self.name = name
        self.answers = list(answers)
        self.asked = 0

    def read(self, now):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError


def test_snapshot_joins_all_probes_and_says_whose_it_is():
    told: list[str] = []
    joined = Sampler([Scripted("a", {"ram_mb": 1.0}), Scripted("b", {"gpus": []})], told.append)
    assert joined.sample(0.0) == {"ram_mb": 1.0, "gpus": [], "pid": os.getpid()}
    assert told == []


def test_a_broken_probe_takes_no_other_along_and_is_told_about_once():
    told: list[str] = []
    broken = Scripted("fan", OSError("no such file"))
    snapshots = Sampler([broken, Scripted("memory", {"ram_mb": 1.0})], told.append)
    for _ in range(5):
        assert snapshots.sample(0.0) == {"ram_mb": 1.0, "pid": os.getpid()}
    assert told == ["fan: cannot be read, its values are left out (OSError: no such file)"]
    assert (broken.asked, snapshots.failures) == (3, 3)


def test_a_probe_that_recovers_stays_on():
    told: list[str] = []
    error = OSError("busy")
    shaky = Scripted("gpu", error, error, {"x": 1.0}, error, error, {"x": 2.0})
    snapshots = Sampler([shaky], told.append)
    seen = [snapshots.sample(0.0).get("x") for _ in range(6)]
    assert seen == [None, None, 1.0, None, None, 2.0]
    assert (len(told), snapshots.failures) == (1, 4)


def test_an_error_that_cannot_be_printed_is_told_about_too():
    told: list[str] = []
    Sampler([Scripted("gpu", UnspeakableError())], told.append).sample(0.0)
    assert len(told) == 1
    assert "UnspeakableError" in told[0]


@pytest.mark.parametrize("platform", ["darwin", "win32", "freebsd14"])
def test_other_platforms_say_only_what_they_know(platform, tmp_path):
    told: list[str] = []
    snapshots = Sampler(sampler._probes(platform, tmp_path / "no-proc", tmp_path), told.append)
    disk = {"disk_total_mb", "disk_free_mb"}
    assert set(snapshots.sample(0.0)) == {"pid", *disk}
    assert set(snapshots.sample(1.0)) == {"pid", "proc_cpu_pct", *disk}
    assert told == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")
def test_this_machine_gives_a_snapshot_that_fits_the_contract(tmp_path):
    told: list[str] = []
    snapshots = Sampler.for_this_platform(tmp_path, told.append)
    snapshots.sample(0.0)
    data = snapshots.sample(60.0)
    assert data_error("resource_snapshot", data) is None
    # cpu_util_pct needs a tick to pass between the two, which nobody waits for here
    assert set(data) - {"cpu_util_pct"} == {
        "ram_mb",
        "ram_total_mb",
        "proc_cpu_pct",
        "proc_ram_mb",
        "disk_free_mb",
        "disk_total_mb",
        "pid",
    }
    assert told == []


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
