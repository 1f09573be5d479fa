"""How many processes the kernel has killed for want of memory, where this process can see it."""

from __future__ import annotations

from argus.resources.cgroup import MOST_BYTES, Groups
from argus.resources.procfs import labelled, read_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_FILES = {1: "memory.oom_control", 2: "memory.events"}


def oom_kills(root: Path) -> int | None:
    """A number that is larger after one more, by how much means nothing: version 1 counts a kill in
    the group of the killed alone, version 2 in all above it too. None where the system does not say.

    Without control groups the whole machine's count stands in.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    version, directories = Groups(root).of("memory")
    texts = [
        read_or_none(f"{directory}/{_FILES[version]}", MOST_BYTES) for directory in directories
    ]
    found = [labelled(text, b"oom_kill ") for text in texts if text is not None]
    counts = [count for count in found if count is not None]
    if counts:
        return sum(counts)
    return labelled(read_or_none(f"{root}/proc/vmstat", MOST_BYTES) or b"", b"oom_kill ")
