"""Says of a run whose writer has died what it had no time to say."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from argus.core.events import utc_second
from argus.core.state import Signs
from argus.core.statuses import FAILED
from argus.rundir import layout, writer
from argus.sync.ending import Story, last_words
from argus.sync.hand import Hand

_LINES_AT_ONCE = 2_000
_BYTES_AT_ONCE = 1_048_576
_BEAT_S = 30.0  # where a sidecar does not say


def close(hand: Hand) -> bool:
    """Append the end of a crashed run to its event file. False where there is nothing to say, or
    it is not ours to say. Raises OSError."""
    item, run = hand.item, hand.run
    if run is None or not item.described or item.says_it_ended:
        return False
    heard_at = _heard_at(hand)
    if not _is_dead(item.described, heard_at):
        return False
    story = Story()
    reader = run.journal.read_from(0)
    while lines := reader.take(_LINES_AT_ONCE, _BYTES_AT_ONCE):
        story.read(line.data for line in lines)
    story.recall(item.described)
    lines_owed = last_words(story, item.described, heard_at, item.is_latest)
    if not lines_owed:
        return False
    run.journal.append(lines_owed)
    ended_at = utc_second(heard_at) + "Z" if heard_at is not None else None
    run.describe({**item.described, "status": FAILED, "ended_at": ended_at})
    return True


def _is_dead(described: Mapping[str, Any], heard_at: float | None) -> bool:
    """Whether a writer that has lost its lock is dead for certain, or silent for long enough: some
    file systems keep the locks of each machine to itself."""
    lives = writer.lives(described)
    silence_s = time.time() - (heard_at or 0.0)
    beat_s = described.get("heartbeat_s")
    usual = beat_s if isinstance(beat_s, (int, float)) else _BEAT_S
    return lives is False or Signs(lives, silence_s, usual).is_silent


def _heard_at(hand: Hand) -> float | None:
    try:
        return os.stat(hand.item.path / layout.HEARTBEAT).st_mtime
    except OSError:
        return None
