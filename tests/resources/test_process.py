from __future__ import annotations

import os
import sys

import pytest

from argus.resources.process import Process, read_process
from tests.resources.trees import FakeProc


def test_a_process_is_told_by_its_stat_whatever_its_name(tmp_path):
    FakeProc(tmp_path).put(7, 5, own=3, reaped=4, start=99, pages=12, stack=140723, threads=2)
    assert read_process(str(tmp_path / "7/stat")) == Process(7, 5, 3, 4, 2, 99, 12, 140723)


def test_its_ticks_are_its_own_and_those_it_reaped():
    assert Process(7, 5, 3, 4, 2, 99, 12, 1).ticks == 7


def test_a_process_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(OSError):
        read_process(str(tmp_path / "7/stat"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs the /proc of Linux")
def test_the_real_stat_is_understood():
    own = read_process("/proc/self/stat")
    times = os.times()
    assert own.parent == os.getppid()
    assert own.threads >= 1
    assert own.resident_pages > 0
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    assert own.own_ticks / ticks_per_s == pytest.approx(times.user + times.system, abs=5)
