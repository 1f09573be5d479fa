"""The state of a run, told by one rule wherever runs are looked at."""

from __future__ import annotations

from argus.core.tally import DONE, FAILED, RUNNING

PREEMPTED = "preempted"
STALLED = "stalled"
CRASHED = "crashed"

STATES = (RUNNING, STALLED, CRASHED, FAILED, PREEMPTED, DONE)
ENDED = frozenset({DONE, FAILED, PREEMPTED})

MISSED_BEATS = 3  # after which silence means something


class Signs:
    """What can be seen of a writer without asking it.

    `lives`: whether its process does: None where this machine cannot tell. `silence_s`: how long
    ago its last sign of life was; `beat_s` how often there should be one.
    """

    __slots__ = ("beat_s", "lives", "silence_s")

    def __init__(self, lives: bool | None, silence_s: float, beat_s: float) -> None:
        self.lives = lives
        self.silence_s = silence_s
        self.beat_s = beat_s

    @property
    def is_silent(self) -> bool:
        """Whether its signs of life are overdue: then its lock is worth a look."""
        return self.silence_s > self.beat_s * MISSED_BEATS


def run_state(told: str, signs: Signs, holds_lock: bool | None) -> str:
    """The state of a run that its own files call `told`, by its sidecar or by a later event.

    `holds_lock` is None where it was not looked at, or nobody can tell. A run that has ended is
    what it says; late events that say otherwise revive it.
    """
    if told in ENDED:
        return told
    if holds_lock:
        return RUNNING
    if signs.lives is False:
        return CRASHED
    if not signs.is_silent:
        return RUNNING
    # Alive by its number, and without its lock: the number is another process's by now.
    return CRASHED if signs.lives and holds_lock is False else STALLED
