"""The NVIDIA devices that this process may use: one entry for each, and their sums.

A device is counted when CUDA_VISIBLE_DEVICES chooses it; its numbers are taken in the order of the
PCI bus, which is NVML's, and CUDA's own as long as the devices are alike.
"""

from __future__ import annotations

import os

from argus.resources import nvml as native
from argus.resources.gpu_fields import BYTES_IN_MB, gpu_fields
from argus.resources.nvml import Nvml, NvmlError
from argus.resources.pid_namespace import sees_the_machine
from argus.resources.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from argus.resources.nvml import Handle

# nvmlClocksEventReasons, without 1, which says that there is nothing to do.
_THROTTLE_REASONS = (
    (0x2, "application_clocks"),
    (0x4, "sw_power_cap"),
    (0x8, "hw_slowdown"),
    (0x10, "sync_boost"),
    (0x20, "sw_thermal"),
    (0x40, "hw_thermal"),
    (0x80, "hw_power_brake"),
    (0x100, "display_clocks"),
)


class NvidiaGpus:
    """`gpu_util_pct`, `gpu_mem_mb`, `gpu_temp_c` and their kin, and the list `gpus`.

    `tree` gives the process ids, as /proc numbers them, whose memory is `proc_gpu_mem_mb`. On a
    machine without driver nothing is said. Any read may hang, the first may take seconds.
    """

    name = "NVIDIA GPUs"

    def __init__(
        self,
        libraries: Sequence[str],
        environ: Mapping[str, str],
        proc: str,
        tree: Callable[[], Collection[int]],
    ) -> None:
        self._libraries = libraries
        self._environ = environ
        self._proc = proc
        self._tree = tree
        self._nvml: Nvml | None = None
        self._absent = False

    def read(self, now: float) -> dict[str, Any]:
        """The values now. Raises NvmlError where the driver, or a device in use, is lost."""
        nvml = self._started()
        if nvml is None:
            return {}
        devices = self._chosen(nvml)
        tree = self._tree()
        return gpu_fields([self._entry(nvml, device, tree) for device in devices])

    def _started(self) -> Nvml | None:
        if self._nvml is None and not self._absent:
            try:
                self._nvml = Nvml(self._libraries)
            except OSError:
                self._absent = True  # no library: there is no driver, and none will come
            except NvmlError as error:
                if error.code != native.DRIVER_NOT_LOADED:
                    raise
                self._absent = True
        return self._nvml

    def _chosen(self, nvml: Nvml) -> list[_Device]:
        devices = [_Device.at(nvml, index) for index in range(nvml.device_count())]
        slices = [part for device in devices for part in device.slices]
        both = devices + slices
        setting = self._environ.get("CUDA_VISIBLE_DEVICES")
        positions = visible(setting, [device.names for device in both], len(devices))
        chosen = [both[position] for position in positions]
        # Of a device in slices, a process gets one slice only: the first, unless it names another.
        return [device.slices[0] if device.slices else device for device in chosen]

    def _entry(self, nvml: Nvml, device: _Device, tree: Collection[int]) -> dict[str, Any]:
        entry = device.entry(nvml)
        if device.handle is not None:
            listed = nvml.process_bytes(device.handle)
            own = None if listed is None else self._own_bytes(listed, tree)
            if own is not None:
                entry["proc_mem_mb"] = round(own / BYTES_IN_MB, 1)
        return entry

    def _own_bytes(self, listed: Mapping[int, int | None], tree: Collection[int]) -> int | None:
        """The memory of our processes, or None where the driver's numbers cannot be told from ours.

        Older drivers number processes as the machine does, whatever the container; newer ones as
        the asking process sees them. Where /proc is of the machine, both are the same. Elsewhere,
        numbers are ours where each is a process that is here, and some of them are of the tree.
        """
        mine = [listed[pid] for pid in listed if pid in tree]
        if not sees_the_machine(self._proc):
            strangers = [pid for pid in listed if not os.path.exists(f"{self._proc}/{pid}")]
            if strangers or not mine:
                return None
        known = [used for used in mine if used is not None]
        return sum(known) if len(known) == len(mine) else None


class _Device:
    """A GPU, or a MIG slice of one. A device that is lost keeps its number, without a handle."""

    def __init__(self, index: int, handle: Handle | None, names: list[str]) -> None:
        self.index = index
        self.handle = handle
        self.names = names
        self.slices: list[_Device] = []
        self.lost: NvmlError | None = None
        self.is_slice = False

    @classmethod
    def at(cls, nvml: Nvml, index: int) -> _Device:
        """The device of that number, with its slices."""
        device = cls(index, None, [])
        try:
            device.handle = nvml.device(index)
            if device.handle is not None:
                device.names = [nvml.uuid(device.handle) or ""]
                device.slices = [
                    cls._slice(nvml, device, part) for part in nvml.slices(device.handle)
                ]
        except NvmlError as error:
            if error.code != native.GPU_IS_LOST:
                raise
            device.lost = error  # told where this process uses it; others may go on
        return device

    @classmethod
    def _slice(cls, nvml: Nvml, parent: _Device, handle: Handle) -> _Device:
        gpu_instance, compute_instance = nvml.instance_ids(handle)
        old_name = f"MIG-{parent.names[0]}/{gpu_instance}/{compute_instance}"
        part = cls(parent.index, handle, [nvml.uuid(handle) or "", old_name])
        part.is_slice = True
        return part

    def entry(self, nvml: Nvml) -> dict[str, Any]:
        """What is known of it; `mig` where it is a slice."""
        if self.lost is not None:
            raise self.lost
        handle = self.handle
        if handle is None:
            return {"index": self.index}
        entry: dict[str, Any] = {
            "index": self.index,
            "name": nvml.name(handle),
            "uuid": self.names[0] or None,
            "mig": self.is_slice or None,
            "temp_c": nvml.temperature_c(handle),
            "power_w": _thousandth(nvml.power_mw(handle)),
            "power_limit_w": _thousandth(nvml.power_limit_mw(handle)),
            "clock_sm_mhz": nvml.clock_mhz(handle, native.SM_CLOCK),
            "clock_mem_mhz": nvml.clock_mhz(handle, native.MEMORY_CLOCK),
            "throttle": _throttle(nvml.throttle_bits(handle)),
            "ecc_corrected": nvml.ecc_errors(handle, native.CORRECTED),
            "ecc_uncorrected": nvml.ecc_errors(handle, native.UNCORRECTED),
        }
        busy = nvml.utilisation(handle)
        if busy is not None:
            entry["util_pct"], entry["mem_busy_pct"] = busy
        memory = nvml.memory(handle)
        if memory is not None:
            entry["mem_mb"], entry["mem_total_mb"] = (round(b / BYTES_IN_MB, 1) for b in memory)
        return {key: value for key, value in entry.items() if value is not None}


def _thousandth(value: int | None) -> float | None:
    return None if value is None else round(value / 1000.0, 1)


def _throttle(bits: int | None) -> list[str] | None:
    return None if bits is None else [name for bit, name in _THROTTLE_REASONS if bits & bit]
