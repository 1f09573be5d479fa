"""The calls of Windows that `windows` reads from: raw structures in, raw structures out."""

from __future__ import annotations

import ctypes
from ctypes import byref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILETIME_BYTES = 8
_POINTER_BYTES = ctypes.sizeof(ctypes.c_void_p)
_MEMORY_STATUS_BYTES = 64
_MEMORY_COUNTERS_BYTES = 8 + 8 * _POINTER_BYTES


class Win32:
    """kernel32, and psapi where kernel32 has not taken it in. A call that fails raises OSError."""

    def __init__(self) -> None:
        """Raises AttributeError on another system, OSError where a library is missing."""
        load = getattr(ctypes, "WinDLL")  # noqa: B009 - there on Windows alone
        self._kernel32: Any = load("kernel32")
        self._memory_info: Any = getattr(self._kernel32, "K32GetProcessMemoryInfo", None)
        if self._memory_info is None:  # before Windows 7
            self._memory_info = load("psapi").GetProcessMemoryInfo
        self._own = ctypes.c_void_p(-1)  # GetCurrentProcess(), a constant

    def memory_status(self) -> bytes:
        """MEMORYSTATUSEX."""
        raw = ctypes.create_string_buffer(_MEMORY_STATUS_BYTES)
        _set_size(raw)
        _must(self._kernel32.GlobalMemoryStatusEx(raw))
        return raw.raw

    def system_times(self) -> bytes:
        """Idle, kernel and user."""
        times = [ctypes.create_string_buffer(_FILETIME_BYTES) for _ in range(3)]
        _must(self._kernel32.GetSystemTimes(*times))
        return b"".join(time.raw for time in times)

    def process_memory(self) -> bytes:
        """PROCESS_MEMORY_COUNTERS of this process."""
        raw = ctypes.create_string_buffer(_MEMORY_COUNTERS_BYTES)
        _set_size(raw)
        _must(self._memory_info(self._own, raw, ctypes.c_uint(len(raw))))
        return raw.raw

    def process_times(self) -> bytes:
        """Creation, exit, kernel and user of this process."""
        times = [ctypes.create_string_buffer(_FILETIME_BYTES) for _ in range(4)]
        _must(self._kernel32.GetProcessTimes(self._own, *times))
        return b"".join(time.raw for time in times)


def _set_size(raw: Any) -> None:
    """These structures begin with their own size."""
    ctypes.memmove(raw, byref(ctypes.c_uint(len(raw))), 4)


def _must(done: int) -> None:
    if not done:
        raise OSError("Windows refuses")
