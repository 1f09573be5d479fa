"""Small reads of the kernel's text files, and what grows in them.

Files are opened anew each time: one kept open would save 5 us a read, and cost a descriptor for the
whole run, which every forked worker inherits.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)


def read(path: str, most_bytes: int) -> bytes:
    """The beginning of a file, in one call: of a kernel file, all that is true at one moment."""
    descriptor = os.open(path, _FLAGS)
    try:
        return os.read(descriptor, most_bytes)
    finally:
        os.close(descriptor)


def read_or_none(path: str, most_bytes: int) -> bytes | None:
    """The same; None where there is no such file, or none that may be read."""
    try:
        return read(path, most_bytes)
    except OSError:
        return None


def labelled(text: bytes, label: bytes) -> int | None:
    """The number behind `label` at the beginning of a line; None where there is no such line."""
    start = 0 if text.startswith(label) else text.find(b"\n" + label) + 1
    if start == 0 and not text.startswith(label):
        return None
    words = text[start + len(label) : start + len(label) + 40].split(b"\n", 1)[0].split(None, 1)
    return int(words[0]) if words else None


def count_of_list(text: bytes) -> int:
    """How many numbers a list of the kernel has, as `0-3,8`."""
    count = 0
    for part in text.strip().split(b","):
        if part:
            first, _, last = part.partition(b"-")
            count += int(last or first) - int(first) + 1
    return count


class Growth:
    """How much counters have grown since the look before; one that is new or went back says 0."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, ...]] | None = None
        self._then = 0.0

    def per_s(self, counts: Mapping[str, tuple[int, ...]], now: float) -> tuple[float, ...] | None:
        """Column by column, over all names. None on the first look, or when no time has passed."""
        before, passed_s = self._before, now - self._then
        self._before, self._then = dict(counts), now
        if before is None or passed_s <= 0:
            return None
        grown = [
            [max(new - old, 0) for new, old in zip(columns, before[name])]
            for name, columns in counts.items()
            if name in before
        ]
        return tuple(sum(column) / passed_s for column in zip(*grown)) or None
