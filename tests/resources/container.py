"""A machine with 8 cores and 16 GB, and control groups in which this process is planted."""

from __future__ import annotations

from pathlib import Path

from argus.resources.cgroup import Groups
from argus.resources.container_cpu import ContainerCpu
from argus.resources.container_memory import ContainerMemory
from argus.resources.linux import SystemCpu, SystemMemory
from tests.resources.trees import plant

MB = 2**20
UNLIMITED_V1 = "9223372036854771712\n"
MACHINE = {
    "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n"
    "SwapTotal: 2048 kB\nSwapFree: 1024 kB\n",
    "proc/stat": "cpu  100 0 0 100 0 0 0 0 0 0\n",
    "sys/devices/system/cpu/online": "0-7\n",
}
OF_THE_MACHINE = {
    "ram_total_mb": 16384.0,
    "ram_mb": 8192.0,
    "swap_total_mb": 2.0,
    "swap_mb": 1.0,
}
V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "".join(
    f"3{number} 23 0:3{number} / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
    for number, name in enumerate(("memory", "cpu", "cpuacct", "cpuset"))
)
GROUP = "sys/fs/cgroup"


class Container:
    """A machine with 8 cores and 16 GB, and groups that bind this process."""

    def __init__(self, root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> None:
        self.root = root
        plant(root, {**MACHINE, "proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts})
        self.put(files)
        groups = Groups(root)
        proc, sys = root / "proc", root / "sys"
        self.memory = ContainerMemory(SystemMemory(proc), groups)
        self.cpu = ContainerCpu(SystemCpu(proc), groups, sys)

    def put(self, files: dict[str, str]) -> None:
        plant(self.root, {f"{GROUP}/{name}": text for name, text in files.items()})
