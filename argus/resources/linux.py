"""CPU, memory and load of the machine, out of the /proc of Linux (proc(5)).

Each class reads one source below a given root, so that one that cannot be read takes no other along.
A `_mb` is 2**20 bytes, as in psutil-based monitors. What is not known is left out, never a 0.
"""

from __future__ import annotations

from argus.resources.procfs import labelled, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_KIB_IN_MB = 1024.0  # meminfo says kB and means KiB

# Columns of the "cpu" line: user nice system idle iowait irq softirq steal. The two that follow,
# guest and guest_nice, are already part of user and nice.
_COLUMNS = 8
_IDLE = 3
_IOWAIT = 4


class SystemCpu:
    """`cpu_util_pct`: the share of all cores' time, from 0 to 100, that was neither idle nor iowait."""

    name = "system CPU"

    def __init__(self, proc: Path) -> None:
        self._stat = str(proc / "stat")
        self._before: list[int] | None = None

    def read(self, now: float) -> dict[str, float]:
        """The utilisation since the reading before; nothing on the first."""
        # The first line sums up all cores; what follows grows with them.
        columns = read(self._stat, 1024).split(b"\n", 1)[0].split()[1 : 1 + _COLUMNS]
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
    """`ram_total_mb`, and `ram_mb`: what is in use and could not be given to somebody else; swap."""

    name = "system memory"

    def __init__(self, proc: Path) -> None:
        self._meminfo = str(proc / "meminfo")

    def read(self, now: float) -> dict[str, float]:
        """The memory now. A kernel older than 3.14 does not say what is available: no `ram_mb`."""
        text = read(self._meminfo, 4096)
        total_kib = labelled(text, b"MemTotal:")
        if total_kib is None:
            raise ValueError("no MemTotal in meminfo")
        values = {"ram_total_mb": round(total_kib / _KIB_IN_MB, 1)}
        available_kib = labelled(text, b"MemAvailable:")
        if available_kib is not None:
            values["ram_mb"] = round((total_kib - available_kib) / _KIB_IN_MB, 1)
        swap_kib, free_kib = labelled(text, b"SwapTotal:"), labelled(text, b"SwapFree:")
        if swap_kib is not None and free_kib is not None:
            values["swap_total_mb"] = round(swap_kib / _KIB_IN_MB, 1)
            values["swap_mb"] = round((swap_kib - free_kib) / _KIB_IN_MB, 1)
        return values


class Load:
    """`load_1m`, `load_5m`, `load_15m`: processes that ran or waited, of the whole machine."""

    name = "load"

    def __init__(self, proc: Path) -> None:
        self._loadavg = str(proc / "loadavg")

    def read(self, now: float) -> dict[str, float]:
        """The averages now."""
        one, five, fifteen = read(self._loadavg, 128).split()[:3]
        return {"load_1m": float(one), "load_5m": float(five), "load_15m": float(fifteen)}
