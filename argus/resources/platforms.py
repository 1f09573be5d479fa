"""Which sources a platform has. What one of them needs is imported here, before any is asked."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from argus.resources.disk import Disk
from argus.resources.isolated import Isolated
from argus.resources.times import ProcessTimes
from argus.resources.watched import Direct, Missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from argus.resources.watched import Clocks, Probe, Source

_PATIENCE_S = 3.0  # for a source that may hang: nobody waits for it but the snapshot

# Below the root: one of these is there where an NVIDIA driver is, on a machine, in WSL, on a Jetson.
_NVIDIA_MARKS = ("dev/nvidiactl", "proc/driver/nvidia/version", "dev/dxg", "dev/nvhost-gpu")
_AMD_MARKS = ("sys/module/amdgpu",)


class Surroundings(NamedTuple):
    """What there is to read: `platform` as in sys.platform, `root` of the file system, where this
    process works, where it keeps its run (None: not known), the environment, and the clocks."""

    platform: str
    root: Path
    directory: Path
    run_directory: Any  # Callable[[], Optional[Path]]
    environ: Any  # Mapping[str, str]
    clocks: Clocks


def sources(around: Surroundings) -> list[Source]:
    """In the order in which they are asked: where two know a field, the later wins."""
    found: list[Source] = []
    add = {"linux": _add_linux, "darwin": _add_macos, "win32": _add_windows}.get(around.platform)
    try:
        (add or _add_unknown)(found, around)
    except Exception as error:  # a Python without ctypes, a system without its own libraries
        found.append(Missing(f"sources of {around.platform}", error))
    _add_isolated(found, around, Disk(lambda: around.directory, "disk"))
    _add_isolated(found, around, Disk(around.run_directory, "run_disk"))
    return found


def _add_linux(found: list[Source], around: Surroundings) -> None:
    from argus.resources.cgroup import Groups
    from argus.resources.container_cpu import ContainerCpu
    from argus.resources.container_memory import ContainerMemory
    from argus.resources.linux import Load, SystemCpu, SystemMemory
    from argus.resources.process_tree import ProcessTree
    from argus.resources.traffic import DiskTraffic, Network

    root = around.root
    proc, sys = root / "proc", root / "sys"
    groups = Groups(root)
    ticks_per_s, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    tree = ProcessTree(proc, ticks_per_s, page_bytes, around.clocks.cpu)
    probes: list[Probe] = [
        ContainerCpu(SystemCpu(proc), groups, sys),
        ContainerMemory(SystemMemory(proc), groups),
        Load(proc),
        tree,
        Network(proc, sys),
        DiskTraffic(proc, sys),
    ]
    found += [Direct(probe, around.clocks) for probe in probes]
    if any((root / mark).exists() for mark in _NVIDIA_MARKS):
        from argus.resources.nvml import LIBRARIES

        _add_nvidia(found, around, LIBRARIES, tree.pids)
    elif any((root / mark).exists() for mark in _AMD_MARKS):
        from argus.resources.amd import AmdGpus

        _add_isolated(found, around, AmdGpus(sys, proc, around.environ, tree.pids))


def _add_macos(found: list[Source], around: Surroundings) -> None:
    from argus.resources.mach import Mach
    from argus.resources.macos import MacCpu, MacMemory, MacTree

    kernel = Mach()
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    probes: list[Probe] = [MacCpu(kernel), MacMemory(kernel, page_bytes), MacTree(kernel)]
    found += [Direct(probe, around.clocks) for probe in probes]


def _add_windows(found: list[Source], around: Surroundings) -> None:
    from argus.resources.nvml import WINDOWS_LIBRARIES
    from argus.resources.win32 import Win32
    from argus.resources.windows import WindowsCpu, WindowsMemory, WindowsProcess

    kernel = Win32()
    probes: list[Probe] = [WindowsCpu(kernel), WindowsMemory(kernel), WindowsProcess(kernel)]
    found += [Direct(probe, around.clocks) for probe in probes]
    _add_nvidia(found, around, WINDOWS_LIBRARIES, lambda: (os.getpid(),))


def _add_unknown(found: list[Source], around: Surroundings) -> None:
    found.append(Direct(ProcessTimes(os.times), around.clocks))


def _add_nvidia(
    found: list[Source],
    around: Surroundings,
    libraries: tuple[str, ...],
    tree: Callable[[], Collection[int]],
) -> None:
    from argus.resources.nvidia import NvidiaGpus

    proc = str(around.root / "proc")
    _add_isolated(found, around, NvidiaGpus(libraries, around.environ, proc, tree))


def _add_isolated(found: list[Source], around: Surroundings, probe: Probe) -> None:
    found.append(Isolated(probe, around.clocks, _PATIENCE_S))
