"""Says of a run whose writer has died what it had no time to say."""

from __future__ import annotations

import os

from argus.core.events import utc_second
from argus.core.tally import FAILED
from argus.rundir import layout
from argus.sync.ending import Story, last_words
from argus.sync.hand import Hand

_LINES_AT_ONCE = 2_000
_BYTES_AT_ONCE = 1_048_576


def close(hand: Hand) -> bool:
    """Append the end of a crashed run to its event file. False where there is nothing to say, or
    it is not ours to say. Raises OSError."""
    item, run = hand.item, hand.run
    if run is None or not item.described or item.says_it_ended:
        return False
    story = Story()
    reader = run.journal.read_from(0)
    while lines := reader.take(_LINES_AT_ONCE, _BYTES_AT_ONCE):
        story.read(line.data for line in lines)
    story.recall(item.described)
    heartbeat = item.path / layout.HEARTBEAT
    heard_at = os.stat(heartbeat).st_mtime if heartbeat.exists() else None
    lines_owed = last_words(story, item.described, heard_at, item.is_latest)
    if not lines_owed:
        return False
    run.journal.append(lines_owed)
    ended_at = utc_second(heard_at) + "Z" if heard_at is not None else None
    run.describe({**item.described, "status": FAILED, "ended_at": ended_at})
    return True
