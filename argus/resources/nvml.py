"""NVIDIA's management library, bound by hand: what its functions say, in plain numbers.

Loads the library once and starts no process. A function that this driver lacks, or that a device
has no answer to, is None. Structures and codes are those of nvml.h; any call may hang for good.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_uint, c_ulonglong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Handle = ctypes.c_void_p

# By name first, as the loader finds it; then where containers and WSL have it beside the usual way.
LIBRARIES = (
    "libnvidia-ml.so.1",
    "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
)
WINDOWS_LIBRARIES = ("nvml.dll",)

GRAPHICS_CLOCK, SM_CLOCK, MEMORY_CLOCK = 0, 1, 2
CORRECTED, UNCORRECTED = 0, 1

DRIVER_NOT_LOADED = 9
GPU_IS_LOST = 15
# After these no answer of the driver is worth having. All else concerns one value of one device.
_FATAL = {
    1: "the library was shut down",
    DRIVER_NOT_LOADED: "the driver is not loaded",
    10: "the driver does not answer",
    GPU_IS_LOST: "the GPU has fallen off the bus",
    16: "the GPU needs a reset",
    17: "the operating system refuses the driver",
    18: "the driver and its library are of different versions",
}
_INSUFFICIENT_SIZE = 7
_GPU_TEMPERATURE = 0
_SINCE_DRIVER_LOAD = 0
_TEXT_BYTES = 96
_UNKNOWN_BYTES = 2**64 - 1  # what a Windows driver says of the memory of a process
_MOST_PROCESSES = 65_536
_PROCESS_BYTES = 32  # the longest that an entry has ever been
_NO_SUCH_FUNCTION = -1


class NvmlError(Exception):
    """The driver is lost, or a device of it: `code` is NVML's."""

    def __init__(self, code: int) -> None:
        super().__init__(f"NVML error {code}: {_FATAL.get(code, 'unknown')}")
        self.code = code


class _MemoryV2(ctypes.Structure):
    """nvmlMemory_v2_t: unlike the first version, `used` leaves out what the driver itself holds."""

    _fields_ = [
        ("version", c_uint),
        ("total", c_ulonglong),
        ("reserved", c_ulonglong),
        ("free", c_ulonglong),
        ("used", c_ulonglong),
    ]


class Nvml:
    """One loaded and started library. Methods raise NvmlError once the driver is lost."""

    def __init__(self, libraries: Sequence[str]) -> None:
        """Starts the first that is there. OSError where none is, NvmlError where it cannot start."""
        self._library = _first_of(libraries)
        code = self._call(("nvmlInit_v2", "nvmlInit"))
        if code:
            raise NvmlError(code)

    def device_count(self) -> int:
        """Devices of this machine, in the order of their PCI bus."""
        return self._number(c_uint, ("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount")) or 0

    def device(self, index: int) -> Handle | None:
        """None for one that this user may not look at."""
        names = ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex")
        return self._handle(names, c_uint(index))

    def slices(self, device: Handle) -> Iterator[Handle]:
        """The MIG devices on a device; none where MIG is off."""
        most = self._number(c_uint, ("nvmlDeviceGetMaxMigDeviceCount",), device) or 0
        for index in range(min(most, 64)):
            found = self._handle(("nvmlDeviceGetMigDeviceHandleByIndex",), device, c_uint(index))
            if found is not None:  # the numbers have gaps
                yield found

    def instance_ids(self, mig_device: Handle) -> tuple[int | None, int | None]:
        """GPU instance and compute instance of a MIG device."""
        gpu_instance = self._number(c_uint, ("nvmlDeviceGetGpuInstanceId",), mig_device)
        return gpu_instance, self._number(c_uint, ("nvmlDeviceGetComputeInstanceId",), mig_device)

    def uuid(self, device: Handle) -> str | None:
        """With its prefix, GPU- or MIG-."""
        return self._text("nvmlDeviceGetUUID", device)

    def name(self, device: Handle) -> str | None:
        """What it is sold as."""
        return self._text("nvmlDeviceGetName", device)

    def utilisation(self, device: Handle) -> tuple[int, int] | None:
        """Percent of the last moments (up to a second) with a kernel at work, and with memory."""
        both = (c_uint * 2)()
        if self._call(("nvmlDeviceGetUtilizationRates",), device, byref(both)):
            return None
        return both[0], both[1]

    def memory(self, device: Handle) -> tuple[int, int] | None:
        """Bytes in use, as nvidia-smi shows them, and in all."""
        info = _MemoryV2(version=ctypes.sizeof(_MemoryV2) | 2 << 24)
        if not self._call(("nvmlDeviceGetMemoryInfo_v2",), device, byref(info)):
            return info.used, info.total
        old = (c_ulonglong * 3)()  # total, free, used
        if self._call(("nvmlDeviceGetMemoryInfo",), device, byref(old)):
            return None
        return old[2], old[0]

    def temperature_c(self, device: Handle) -> int | None:
        """Of the chip."""
        return self._number(c_uint, ("nvmlDeviceGetTemperature",), device, c_uint(_GPU_TEMPERATURE))

    def power_mw(self, device: Handle) -> int | None:
        """What the board draws."""
        return self._number(c_uint, ("nvmlDeviceGetPowerUsage",), device)

    def power_limit_mw(self, device: Handle) -> int | None:
        """What the board may draw."""
        return self._number(c_uint, ("nvmlDeviceGetEnforcedPowerLimit",), device)

    def clock_mhz(self, device: Handle, clock: int) -> int | None:
        """`clock` is one of the *_CLOCK above."""
        return self._number(c_uint, ("nvmlDeviceGetClockInfo",), device, c_uint(clock))

    def throttle_bits(self, device: Handle) -> int | None:
        """nvmlClocksEventReasons: why the clocks are not higher."""
        names = (
            "nvmlDeviceGetCurrentClocksEventReasons",
            "nvmlDeviceGetCurrentClocksThrottleReasons",
        )
        return self._number(c_ulonglong, names, device)

    def ecc_errors(self, device: Handle, kind: int) -> int | None:
        """Since the driver was loaded; `kind` is CORRECTED or UNCORRECTED."""
        arguments = (device, c_uint(kind), c_uint(_SINCE_DRIVER_LOAD))
        return self._number(c_ulonglong, ("nvmlDeviceGetTotalEccErrors",), *arguments)

    def process_bytes(self, device: Handle) -> dict[int, int | None] | None:
        """Memory by process id, as the driver numbers processes; None where no list can be had.

        A process that computes and draws is on both lists, with the same memory on each.
        """
        merged: dict[int, int | None] = {}
        known = False
        for list_name in ("Compute", "MPSCompute", "Graphics"):
            found = self._processes(f"nvmlDeviceGet{list_name}RunningProcesses", device)
            known = known or found is not None
            for pid, used in found or ():
                before = merged.get(pid)
                merged[pid] = used if before is None else max(before, used or 0)
        return merged if known else None

    def _processes(self, name: str, device: Handle) -> list[tuple[int, int | None]] | None:
        for suffix, entry_bytes in (("_v3", 24), ("_v2", 24), ("", 16)):
            slots = 128
            while slots <= _MOST_PROCESSES:
                count = c_uint(slots)
                raw = ctypes.create_string_buffer(b"\xff" * (slots * _PROCESS_BYTES))
                code = self._call((name + suffix,), device, byref(count), raw)
                if code == 0:
                    return _parse_processes(raw.raw, count.value, entry_bytes)
                if code != _INSUFFICIENT_SIZE:
                    break
                slots = max(count.value, slots) * 2
        return None

    def _number(self, kind: Callable[[], Any], names: tuple[str, ...], *args: Any) -> int | None:
        value = kind()
        return None if self._call(names, *args, byref(value)) else int(value.value)

    def _handle(self, names: tuple[str, ...], *args: Any) -> Handle | None:
        handle = ctypes.c_void_p()
        return None if self._call(names, *args, byref(handle)) else handle

    def _text(self, name: str, device: Handle) -> str | None:
        text = ctypes.create_string_buffer(_TEXT_BYTES)
        if self._call((name,), device, text, c_uint(_TEXT_BYTES)):
            return None
        return text.value.decode("utf-8", "replace")

    def _call(self, names: tuple[str, ...], *args: Any) -> int:
        """The code of the first function of these that this driver has; 0 is an answer."""
        for name in names:
            function = getattr(self._library, name, None)
            if function is not None:
                code = int(function(*args))
                if code in _FATAL:
                    raise NvmlError(code)
                return code
        return _NO_SUCH_FUNCTION


def _first_of(libraries: Sequence[str]) -> ctypes.CDLL:
    missing = OSError("no library to look for")
    for library in libraries:
        try:
            return ctypes.CDLL(library)
        except OSError as error:
            missing = error
    raise missing


def _parse_processes(raw: bytes, count: int, entry_bytes: int) -> list[tuple[int, int | None]]:
    """Process ids and bytes out of a list that was filled with 0xff before.

    Some drivers of release 535 write entries of 32 bytes where 24 are documented: what the list
    has overwritten tells which.
    """
    if entry_bytes == 24 and raw[count * 24 : count * _PROCESS_BYTES].strip(b"\xff"):
        entry_bytes = _PROCESS_BYTES
    found: list[tuple[int, int | None]] = []
    for start in range(0, count * entry_bytes, entry_bytes):
        pid = int.from_bytes(raw[start : start + 4], "little")
        used = int.from_bytes(raw[start + 8 : start + 16], "little")
        found.append((pid, None if used == _UNKNOWN_BYTES else used))
    return found
