"""This process and all that descends from it: DataLoader workers count, whoever started them."""

from __future__ import annotations

import os

from argus.resources.children import Children
from argus.resources.process import Process, read_process
from argus.resources.tree_cpu import TreeCpu
from argus.resources.tree_memory import TreeMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BYTES_IN_MB = 1_048_576.0


class ProcessTree:
    """`proc_cpu_pct`, 100 being one core, `proc_ram_mb`, `threads`, `n_procs`, and `open_files`.

    The files are those of this process alone. The two constants are the system's: `sysconf` knows
    them as SC_CLK_TCK and SC_PAGE_SIZE. `cpu` is the clock of this thread's CPU time, in seconds.
    """

    name = "process tree"

    def __init__(
        self, proc: Path, ticks_per_s: int, page_bytes: int, cpu: Callable[[], float]
    ) -> None:
        self._proc = str(proc)
        self._ticks_per_s = ticks_per_s
        self._children = Children(self._proc)
        self._cpu = TreeCpu()
        self._memory = TreeMemory(self._proc, page_bytes, cpu)
        self._root: Process | None = None
        self._then: float | None = None
        self._pids: frozenset[int] = frozenset()

    def pids(self) -> frozenset[int]:
        """The tree of the latest look, as this /proc numbers processes. From any thread."""
        return self._pids

    def read(self, now: float) -> dict[str, float]:
        """The values at the monotonic time `now`; no CPU share on the first reading."""
        root = read_process(f"{self._proc}/self/stat")
        if self._root is not None and self._root.pid != root.pid:
            raise ValueError("this process was forked: it needs a probe of its own")
        self._root = root
        members, late = self._children.tree(root, now)
        self._pids = frozenset(members)
        values = {
            "proc_ram_mb": round(self._memory.total_bytes(members, now) / _BYTES_IN_MB, 1),
            "threads": sum(process.threads for process in members.values()),
            "n_procs": len(members),
        }
        open_files = self._open_files()
        if open_files is not None:
            values["open_files"] = open_files
        ticks, then, self._then = self._cpu.grown(members, late), self._then, now
        if then is not None and now > then:
            values["proc_cpu_pct"] = round(100.0 * ticks / self._ticks_per_s / (now - then), 1)
        return values

    def _open_files(self) -> int | None:
        """Linux 6.2 and later give the number as the size of the directory."""
        directory = f"{self._proc}/self/fd"
        try:
            return os.stat(directory).st_size or max(len(os.listdir(directory)) - 1, 0)
        except OSError:
            return None
