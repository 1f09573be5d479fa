"""How a rank learns from rank 0 which batch it is in. For a thread that may wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from argus.delivery.latch import Latch
from argus.launch.ancestry import boot_id, started_at
from argus.launch.handover import Handover, Word, is_of_now

LOOK_S = 0.25


def said_now(batch_id: str, beat: int, proc: Path) -> Word:
    """The word of rank 0 at this moment."""
    return Word(batch_id, boot_id(proc), seconds_since_boot(), str(beat))


def awaited(
    handover: Handover,
    is_unique: bool,
    proc: Path,
    pid: int,
    leaving: Latch,
    limit_s: float,
    elsewhere: Callable[[], str | None],
) -> str | None:
    """The batch id that rank 0 says; None where it says none in time. Of a launch that is told from
    all others by its name, every word counts; else rank 0 must be there. Without a word, it is
    looked for `elsewhere`."""
    until = time.monotonic() + limit_s
    own_boot, began_at = boot_id(proc), started_at(pid, proc)
    first_seen: Word | None = None
    while True:
        word = handover.heard()
        if word is not None:
            first_seen = first_seen or word
            if is_unique or is_of_now(word, first_seen, own_boot, began_at):
                return word.batch_id
        batch_id = elsewhere() if word is None else None
        if batch_id is not None:
            return batch_id
        if time.monotonic() >= until or leaving.wait(LOOK_S):
            return None


def seconds_since_boot() -> float:
    """A clock that all processes of a machine share, and nobody sets."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()
