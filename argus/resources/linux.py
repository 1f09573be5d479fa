"""CPU, memory and the own process, out of the /proc of Linux (proc(5)).

Each class reads one source below a given root, so that one that cannot be read takes no other along.
A `_mb` is 2**20 bytes, as in psutil-based monitors. What is not known is left out, never a 0.
"""

from __future__ import annotations

from argus.resources.core_share import CoreShare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_KIB_IN_MB = 1024.0  # meminfo says kB and means KiB
_BYTES_IN_MB = 1_048_576.0

# Columns of the "cpu" line: user nice system idle iowait irq softirq steal. The two that follow,
# guest and guest_nice, are already part of user and nice.
_COLUMNS = 8
_IDLE = 3
_IOWAIT = 4

# Fields of /proc/self/stat, counted from the one after the name: state is the first.
_UTIME = 11
_STIME = 12


class SystemCpu:
    """`cpu_util_pct`: the share of all cores' time, from 0 to 100, that was neither idle nor iowait."""

    name = "system CPU"

    def __init__(self, proc: Path) -> None:
        self._stat = str(proc / "stat")
        self._before: list[int] | None = None

    def read(self, now: float) -> dict[str, float]:
        """The utilisation since the reading before; nothing on the first."""
        with open(self._stat, "rb", buffering=0) as file:
            # The first line sums up all cores; what follows grows with them.
            columns = file.read(4096).split(b"\n", 1)[0].split()[1 : 1 + _COLUMNS]
        times = [int(column) for column in columns]
        before, self._before = self._before, times
        if before is None:
            return {}
        # Single counts do go back, iowait above all, as proc(5) warns.
        spent = [max(new - old, 0) for new, old in zip(times, before)]
        total = sum(spent)
        if total == 0:
            return {}
        idle = spent[_IDLE] + spent[_IOWAIT]
        return {"cpu_util_pct": round(100.0 * (total - idle) / total, 1)}


class SystemMemory:
    """`ram_total_mb`, and `ram_mb`: what is in use and could not be given to somebody else."""

    name = "system memory"

    def __init__(self, proc: Path) -> None:
        self._meminfo = str(proc / "meminfo")

    def read(self, now: float) -> dict[str, float]:
        """The memory now. A kernel older than 3.14 does not say what is available: no `ram_mb`."""
        with open(self._meminfo, "rb", buffering=0) as file:
            text = b"\n" + file.read(4096)
        total_kib = _meminfo_kib(text, b"\nMemTotal:")
        if total_kib is None:
            raise ValueError("no MemTotal in meminfo")
        values = {"ram_total_mb": round(total_kib / _KIB_IN_MB, 1)}
        available_kib = _meminfo_kib(text, b"\nMemAvailable:")
        if available_kib is not None:
            values["ram_mb"] = round((total_kib - available_kib) / _KIB_IN_MB, 1)
        return values


class OwnProcess:
    """`proc_cpu_pct`, 100 being one core, and `proc_ram_mb`, the resident memory, of this process.

    The two constants are the system's: `sysconf` knows them as SC_CLK_TCK and SC_PAGE_SIZE.
    """

    name = "own process"

    def __init__(self, proc: Path, ticks_per_s: int, page_bytes: int) -> None:
        self._stat = str(proc / "self" / "stat")
        self._statm = str(proc / "self" / "statm")
        self._ticks_per_s = ticks_per_s
        self._page_bytes = page_bytes
        self._share = CoreShare()

    def read(self, now: float) -> dict[str, float]:
        """The values at the monotonic time `now`; no CPU share on the first reading."""
        with open(self._statm, "rb", buffering=0) as file:
            resident_pages = int(file.read(256).split()[1])
        values = {"proc_ram_mb": round(resident_pages * self._page_bytes / _BYTES_IN_MB, 1)}
        with open(self._stat, "rb", buffering=0) as file:
            # The name in parentheses may hold spaces and parentheses; nothing behind it does.
            fields = file.read(4096).rpartition(b")")[2].split()
        ticks = int(fields[_UTIME]) + int(fields[_STIME])
        percent = self._share.percent(ticks / self._ticks_per_s, now)
        if percent is not None:
            values["proc_cpu_pct"] = percent
        return values


def _meminfo_kib(text: bytes, label: bytes) -> int | None:
    start = text.find(label)
    if start < 0:
        return None
    return int(text[start + len(label) :].split(None, 1)[0])
