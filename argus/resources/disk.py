"""The room on the file system that a directory lies on. A `_mb` is 2**20 bytes.

A network file system whose server is gone can hold the reading thread for long: never read it on a
thread that somebody waits for.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BYTES_IN_MB = 1_048_576.0


class Disk:
    """`<prefix>_total_mb`, and `<prefix>_free_mb`: what the user may still write, quotas left aside.

    `directory` is asked at each reading: a run may have none yet.
    """

    def __init__(self, directory: Callable[[], Path | None], prefix: str) -> None:
        self.name = prefix.replace("_", " ")
        self._directory = directory
        self._prefix = prefix

    def read(self, now: float) -> dict[str, float]:
        """The room now. Raises OSError where the directory is gone."""
        directory = self._directory()
        if directory is None:
            return {}
        total_bytes, free_bytes = _room(str(directory))
        return {
            f"{self._prefix}_total_mb": round(total_bytes / _BYTES_IN_MB, 1),
            f"{self._prefix}_free_mb": round(free_bytes / _BYTES_IN_MB, 1),
        }


if hasattr(os, "statvfs"):

    def _room(directory: str) -> tuple[int, int]:
        """Total and free bytes. What is reserved for root (bfree less bavail) is not free."""
        info = os.statvfs(directory)
        return info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize

else:

    def _room(directory: str) -> tuple[int, int]:
        """Total and free bytes."""
        import shutil  # loads the compression modules: only where nothing lighter will do

        usage = shutil.disk_usage(directory)
        return usage.total, usage.free
