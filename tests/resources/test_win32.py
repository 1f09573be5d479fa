from __future__ import annotations

import ctypes
import struct
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from argus.resources.win32 import Win32
from argus.resources.windows import parse_memory_status, parse_system_times

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has these functions")


def library(**functions: Any) -> SimpleNamespace:
    return SimpleNamespace(**functions)


def fill_in(raw: bytes, *buffers: Any) -> int:
    for number, buffer in enumerate(buffers):
        ctypes.memmove(buffer, raw[number * len(buffer) :], len(buffer))
    return 1


def memory_status(raw: Any) -> int:
    (size,) = struct.unpack_from("<I", raw.raw)
    assert size == len(raw) == 64  # Windows refuses a structure that does not know its own size
    return fill_in(struct.pack("<2I7Q", 64, 1, *range(7)), raw)


def system_times(*times: Any) -> int:
    return fill_in(struct.pack("<3Q", 1, 2, 3), *times)


def test_on_another_system_it_cannot_be_had():
    with pytest.raises(AttributeError):
        Win32()


def test_structures_are_filled_in_by_the_kernel(monkeypatch):
    kernel32 = library(GlobalMemoryStatusEx=memory_status, GetSystemTimes=system_times)
    psapi = library(GetProcessMemoryInfo=lambda own, raw, size: int(size.value == len(raw)))
    libraries = {"kernel32": kernel32, "psapi": psapi}
    monkeypatch.setattr(ctypes, "WinDLL", libraries.__getitem__, raising=False)
    windows = Win32()
    assert parse_memory_status(windows.memory_status()) == (0, 1, 2, 3)
    assert parse_system_times(windows.system_times()) == (1, 2, 3)
    assert len(windows.process_memory()) == 8 + 8 * ctypes.sizeof(ctypes.c_void_p)


def test_what_the_kernel_refuses_is_an_error(monkeypatch):
    kernel32 = library(
        GlobalMemoryStatusEx=lambda raw: 0,
        GetProcessTimes=lambda own, *times: 0,
        K32GetProcessMemoryInfo=lambda *_: 0,
    )
    monkeypatch.setattr(ctypes, "WinDLL", {"kernel32": kernel32}.__getitem__, raising=False)
    windows = Win32()
    for call in (windows.memory_status, windows.process_memory, windows.process_times):
        with pytest.raises(OSError):
            call()
