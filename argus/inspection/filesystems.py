"""What kind of file system a path is on. Reads what Linux says of its mounts."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ESCAPE = re.compile(r"\\([0-7]{3})")
_MOST_BYTES = 4_194_304


def kind_of(path: str, mounts: Path) -> str | None:
    """`ext4`, `nfs4`, …; None where nobody says. `mounts` is /proc/self/mounts (proc(5))."""
    try:
        with open(mounts, "rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    real = os.path.realpath(path)
    best, kind = -1, None
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[1])
        inside = place in ("/", real) or real.startswith(f"{place}/")
        if inside and len(place) >= best:  # of two at one place, the later hides the other
            best, kind = len(place), fields[2]
    return kind


def is_remote(kind: str | None) -> bool:
    """Whether other machines write there too."""
    shared = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs", "9p", "afs")
    return kind is not None and kind.startswith(shared)
