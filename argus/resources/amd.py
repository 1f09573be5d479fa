"""The AMD devices that this process may use, as the amdgpu driver tells them in sysfs.

https://docs.kernel.org/gpu/amdgpu/thermal.html and driver-misc.html. What ROCR_VISIBLE_DEVICES
chooses is numbered anew by HIP_VISIBLE_DEVICES, or CUDA_VISIBLE_DEVICES in its place.
"""

from __future__ import annotations

import os

from argus.resources.gpu_fields import BYTES_IN_MB, gpu_fields
from argus.resources.pid_namespace import sees_the_machine
from argus.resources.procfs import read_or_none
from argus.resources.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path
    from typing import Any

_VENDOR = b"0x1002"

# Key of an entry, file, and by what its number is divided.
_DEVICE_FILES = (
    ("util_pct", "gpu_busy_percent", 1.0),
    ("mem_busy_pct", "mem_busy_percent", 1.0),
    ("mem_mb", "mem_info_vram_used", BYTES_IN_MB),
    ("mem_total_mb", "mem_info_vram_total", BYTES_IN_MB),
)
_HWMON_FILES = (
    ("temp_c", "temp1_input", 1e3),
    ("power_w", "power1_input", 1e6),
    ("power_w", "power1_average", 1e6),  # boards have one of the two; this one where both
    ("power_limit_w", "power1_cap", 1e6),
    ("clock_sm_mhz", "freq1_input", 1e6),
    ("clock_mem_mhz", "freq2_input", 1e6),
)


class AmdGpus:
    """`gpu_util_pct`, `gpu_mem_mb`, `gpu_temp_c` and their kin, and the list `gpus`.

    `tree` gives the process ids, as /proc numbers them, whose memory is `proc_gpu_mem_mb`. A read
    of a device that is being reset may hang.
    """

    name = "AMD GPUs"

    def __init__(
        self,
        sys: Path,
        proc: Path,
        environ: Mapping[str, str],
        tree: Callable[[], Collection[int]],
    ) -> None:
        self._drm = str(sys / "class" / "drm")
        self._kfd_proc = str(sys / "class" / "kfd" / "kfd" / "proc")
        self._proc = str(proc)
        self._environ = environ
        self._tree = tree

    def read(self, now: float) -> dict[str, Any]:
        """The values now; nothing where there is no such device."""
        devices = self._chosen()
        fields = gpu_fields([_entry(index, device) for index, device in devices])
        own_bytes = self._own_bytes() if devices else None
        if own_bytes is not None:
            fields["proc_gpu_mem_mb"] = round(own_bytes / BYTES_IN_MB, 1)
        return fields

    def _chosen(self) -> list[tuple[int, str]]:
        devices = list(enumerate(self._devices()))
        get = self._environ.get
        hip = get("HIP_VISIBLE_DEVICES", get("CUDA_VISIBLE_DEVICES"))
        for setting in (get("ROCR_VISIBLE_DEVICES"), hip):
            names = [[f"GPU-{_text(device, 'unique_id')}"] for _, device in devices]
            devices = [devices[position] for position in visible(setting, names, len(devices))]
        return devices

    def _devices(self) -> list[str]:
        """Directories of the devices that have memory of their own, in the order of their bus."""
        cards = [name for name in _names(self._drm) if name[4:].isdigit()]
        found = {os.path.realpath(f"{self._drm}/{card}/device") for card in cards}
        return sorted(
            device
            for device in found
            if (read_or_none(f"{device}/vendor", 16) or b"").strip() == _VENDOR
            and os.path.exists(f"{device}/mem_info_vram_total")
        )

    def _own_bytes(self) -> int | None:
        """Of the tree on all devices: what ROCm's driver (KFD) counts, by the machine's numbers."""
        if not os.path.isdir(self._kfd_proc) or not sees_the_machine(self._proc):
            return None
        total = 0
        for pid in self._tree():
            directory = f"{self._kfd_proc}/{pid}"
            names = [name for name in _names(directory) if name.startswith("vram_")]
            total += sum(_number(directory, name) or 0 for name in names)
        return total


def _entry(index: int, device: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"index": index}
    name, unique_id = _text(device, "product_name"), _text(device, "unique_id")
    if name:
        entry["name"] = name
    if unique_id and unique_id.strip("0"):
        entry["uuid"] = f"GPU-{unique_id}"
    sources: list[tuple[str, tuple[tuple[str, str, float], ...]]] = [(device, _DEVICE_FILES)]
    sources += [(f"{device}/hwmon/{name}", _HWMON_FILES) for name in _names(f"{device}/hwmon")]
    for directory, files in sources:
        for key, file, divisor in files:
            value = _number(directory, file)
            if value is not None:
                entry[key] = round(value / divisor, 1)
    return entry


def _names(directory: str) -> list[str]:
    """What a directory holds; nothing where it is not there, or not any more."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _text(directory: str, file: str) -> str:
    return (read_or_none(f"{directory}/{file}", 256) or b"").decode("utf-8", "replace").strip()


def _number(directory: str, file: str) -> int | None:
    """None where the device does not say: a file that is missing, empty, or cannot be read now."""
    text = _text(directory, file)
    return int(text) if text.isdigit() else None
