"""The directory in which the ranks of one launch leave word for each other.

Rank 0 says which batch it is, and that it is to stop; whoever sees the directory reads it. It is
named after the launch, lies in the state directory, and holds no more than a few small files.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import NamedTuple, Optional

from argus.core.identity import short_hash
from argus.core.jsonl import parsed_object
from argus.core.schema import MAX_BATCH_ID
from argus.rundir import files
from argus.rundir.layout import file_name

KEEP_S = 14 * 86_400.0
_MAX_BYTES = 65_536
_MOST_LOOKED_AT = 1_000


class Word(NamedTuple):
    """What rank 0 has said: its batch, when (seconds since the boot of that machine), and what
    changes with each time that it says so."""

    batch_id: str
    boot_id: Optional[str]
    said_at: float
    beat: str


class Handover:
    """The word of one launch at one position of its script."""

    def __init__(self, state: Path, launch: str, position: str) -> None:
        self.directory = state / "launch" / short_hash(launch)
        self._word = self.directory / f"batch-{file_name(position)}.json"

    def say(self, word: Word) -> None:
        """Tell the others. Raises OSError where the disk refuses."""
        files.make_dir(self.directory, private=True)
        data = json.dumps(word._asdict()).encode()
        files.replace(self._word, data, private=True, durable=False)

    def heard(self) -> Word | None:
        """What rank 0 has said; None where there is nothing to read."""
        try:
            found = parsed_object(files.read_whole(self._word, _MAX_BYTES)) or {}
        except OSError:
            return None
        batch_id, said_at = found.get("batch_id"), found.get("said_at")
        if not isinstance(batch_id, str) or not 1 <= len(batch_id) <= MAX_BATCH_ID:
            return None
        if type(said_at) is not float:
            return None
        return Word(batch_id, found.get("boot_id"), said_at, str(found.get("beat")))

    def say_stop(self, batch_id: str) -> None:
        """Ask all of the launch to end. Raises OSError where the disk refuses."""
        files.make_dir(self.directory, private=True)
        files.touch(self._stop(batch_id), private=True)

    def hears_stop(self, batch_id: str) -> bool:
        """Whether somebody has asked."""
        return os.path.lexists(self._stop(batch_id))

    def _stop(self, batch_id: str) -> Path:
        return self.directory / f"stop-{file_name(batch_id)}"


def is_of_now(word: Word, first_seen: Word, boot_id: str | None, started_at: float) -> bool:
    """Whether rank 0 is there now, and has not left its word in an earlier launch: it has said so
    again since it was first seen, or did after the reader, on the same machine, had begun."""
    if word.beat != first_seen.beat:
        return True
    return boot_id is not None and word.boot_id == boot_id and word.said_at >= started_at


def sweep(state: Path, wall_now: float) -> None:
    """Remove what launches of long ago have left, as far as that can be done."""
    try:
        with os.scandir(state / "launch") as entries:
            for entry, _ in zip(entries, range(_MOST_LOOKED_AT)):
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode) and wall_now - info.st_mtime > KEEP_S:
                    shutil.rmtree(entry.path, ignore_errors=True)
    except OSError:
        return  # there is none yet, or somebody else is at it
