"""The calls of macOS that `macos` reads from: raw structures in, raw structures out."""

from __future__ import annotations

import ctypes
from ctypes import byref

_RUSAGE_INFO_V1, _RUSAGE_BYTES = 1, 144
_PROC_PPID_ONLY = 6
_MOST_CHILDREN = 1024
_WORD_BYTES = 4


class Mach:
    """The C library of this process. A call that fails raises OSError, or AttributeError where the
    library has no such function: it is another system's."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._host: int | None = None

    def host_statistics(self, flavor: int, words: int) -> bytes:
        """host_statistics64 fills in both flavors that are asked for."""
        if self._host is None:
            self._host = self._libc.mach_host_self()  # a right that is not given back: once
        raw = ctypes.create_string_buffer(words * _WORD_BYTES)
        count = ctypes.c_uint(words)
        _must(self._libc.host_statistics64(self._host, flavor, raw, byref(count)) == 0)
        return raw.raw

    def sysctl(self, name: str, most_bytes: int) -> bytes:
        """The value of a name, such as hw.memsize."""
        raw = ctypes.create_string_buffer(most_bytes)
        size = ctypes.c_size_t(most_bytes)
        nothing = ctypes.c_size_t(0)
        done = self._libc.sysctlbyname(name.encode(), raw, byref(size), None, nothing)
        _must(done == 0)
        return raw.raw[: size.value]

    def rusage(self, pid: int) -> bytes:
        """rusage_info_v1 of a process."""
        raw = ctypes.create_string_buffer(_RUSAGE_BYTES)
        _must(self._libc.proc_pid_rusage(pid, _RUSAGE_INFO_V1, raw) == 0)
        return raw.raw

    def children(self, pid: int) -> bytes:
        """The process ids of the children, 4 bytes each."""
        raw = ctypes.create_string_buffer(_MOST_CHILDREN * _WORD_BYTES)
        size = self._libc.proc_listpids(_PROC_PPID_ONLY, pid, raw, len(raw))
        _must(size >= 0)
        return raw.raw[:size]

    def timebase(self) -> tuple[int, int]:
        """Nanoseconds in a tick of the machine's clock, as a fraction."""
        fraction = (ctypes.c_uint32 * 2)()
        _must(self._libc.mach_timebase_info(byref(fraction)) == 0)
        return fraction[0], fraction[1]


def _must(done: bool) -> None:
    if not done:
        raise OSError(ctypes.get_errno(), "the kernel refuses")
