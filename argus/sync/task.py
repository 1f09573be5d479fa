"""What one sync is told to do, and what it says of each item when it is done with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.sync.finding import Item, Wanted

DELIVERED = "delivered"  # all of it that is taken
REFUSED = "refused"  # there was something, and nothing of it is taken
NOTHING = "nothing"  # there was nothing to send
PASSED = "passed over"  # its own reporter delivers it, or it is not meant
BUSY = "busy"  # another sync has it
LEFT = "left"  # some of it is not delivered
FOLLOWED = "followed"  # its writer lives: there may be more
UNREADABLE = "unreadable"


class Task(NamedTuple):
    """What to do with every item."""

    url: str
    state_dir: Optional[Path]  # for positions that cannot be kept beside the events
    wanted: Wanted
    again: bool  # from the start, whatever is known to be delivered
    closes: bool  # say of a crashed run that it has ended
    watches: bool  # follow what is still being written
    prunes: bool  # remove what is delivered


class Tidings:
    """What became of one item, kept up while it is at work; one thread writes, others read."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome = NOTHING
        self.reason: Optional[str] = None
        self.events = 0  # delivered by this sync
        self.files = 0
        self.sent_bytes = 0
        self.total_bytes = 0  # as far as is known
        self.left_events = 0
        self.left_files = 0
        self.refused_events = 0  # for good
        self.refused_files = 0
        self.refusal: Optional[str] = None  # the first reason
        self.unreadable_lines = 0
        self.torn_bytes = 0
        self.closed = False  # it had crashed, and its end was told
        self.pruned = False
        self.stays: Optional[str] = None  # why it was not removed, though it is delivered

    def document(self) -> dict[str, Any]:
        """As JSON."""
        item = self.item
        return {
            "type": "run" if item.is_run else "file",
            "path": str(item.path),
            "batch_id": item.batch_id,
            "project": item.project,
            "outcome": self.outcome,
            "reason": self.reason,
            "events": self.events,
            "files": self.files,
            "left_events": self.left_events,
            "left_files": self.left_files,
            "refused_events": self.refused_events,
            "refused_files": self.refused_files,
            "refusal": self.refusal,
            "unreadable_lines": self.unreadable_lines,
            "closed": self.closed,
            "pruned": self.pruned,
            "stays": self.stays,
        }
