"""What went over the machine's disks and networks since the look before, in MB (2**20 bytes) a second.

Nothing is counted twice: of a disk its partitions and the volumes on it are left out, of a network
card the bridges and bonds that lead to it. In a container, networks are its own, disks the machine's.
"""

from __future__ import annotations

import os

from argus.resources.procfs import Growth, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_BYTES_IN_MB = 1_048_576.0
_SECTOR_BYTES = 512  # in /proc/diskstats, whatever the disk's own are
_MOST_BYTES = 1 << 18


class Network:
    """`net_recv_mb_s` and `net_sent_mb_s`."""

    name = "network"

    def __init__(self, proc: Path, sys: Path) -> None:
        self._dev = str(proc / "self" / "net" / "dev")
        self._cards = _Hardware(sys / "class" / "net")
        self._growth = Growth()

    def read(self, now: float) -> dict[str, float]:
        """The rates since the reading before; nothing on the first."""
        counts = {}
        for line in read(self._dev, _MOST_BYTES).split(b"\n")[2:]:
            name, colon, columns = line.partition(b":")
            if colon and name.strip() != b"lo":
                numbers = columns.split()
                counts[name.strip().decode("utf-8", "replace")] = int(numbers[0]), int(numbers[8])
        cards = self._cards.among(counts)
        # A container's end of a virtual cable is no hardware, and all that it has.
        rates = self._growth.per_s({name: counts[name] for name in cards or counts}, now)
        if rates is None:
            return {}
        return {
            "net_recv_mb_s": round(rates[0] / _BYTES_IN_MB, 3),
            "net_sent_mb_s": round(rates[1] / _BYTES_IN_MB, 3),
        }


class DiskTraffic:
    """`disk_read_mb_s` and `disk_write_mb_s`: what disks did, caches left aside."""

    name = "disk traffic"

    def __init__(self, proc: Path, sys: Path) -> None:
        self._diskstats = str(proc / "diskstats")
        self._disks = _Hardware(sys / "block")
        self._growth = Growth()

    def read(self, now: float) -> dict[str, float]:
        """The rates since the reading before; nothing on the first, or where no disk is known."""
        counts = {}
        for line in read(self._diskstats, _MOST_BYTES).split(b"\n"):
            columns = line.split(None, 10)
            if len(columns) > 9:
                name = columns[2].decode("utf-8", "replace")
                counts[name] = int(columns[5]) * _SECTOR_BYTES, int(columns[9]) * _SECTOR_BYTES
        disks = self._disks.among(counts)
        rates = self._growth.per_s({name: counts[name] for name in disks}, now)
        if rates is None:
            return {}
        return {
            "disk_read_mb_s": round(rates[0] / _BYTES_IN_MB, 3),
            "disk_write_mb_s": round(rates[1] / _BYTES_IN_MB, 3),
        }


class _Hardware:
    """Which names are hardware: sysfs gives those, and no others, a `device`."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._known: dict[str, bool] = {}

    def among(self, names: dict[str, tuple[int, int]]) -> list[str]:
        """Those of `names` that are hardware; a name is looked up once."""
        for name in names:
            if name not in self._known:
                entry = name.replace("/", "!")  # as sysfs writes cciss/c0d0
                self._known[name] = os.path.exists(f"{self._directory}/{entry}/device")
        return [name for name in names if self._known[name]]
