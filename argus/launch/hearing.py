"""How a rank that is not the first learns which batch it is in."""

from __future__ import annotations

import os
import time
from pathlib import Path

from argus.core.settings import Settings
from argus.delivery import fork
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from argus.launch.key import Key
from argus.launch.rank import Rank
from argus.launch.wanted import Answer

ASKED_LIMIT_S = 20.0  # where the id is needed now
SPOKEN_LIMIT_S = 600.0  # for a rank that can wait

_PROC = Path("/proc")


class Hearing:
    """One rank's ear for the word of rank 0. `parent` is the process that is rank 0 itself, where it
    has started this one, else 0."""

    def __init__(
        self,
        rank: Rank,
        key: Key,
        position: str,
        parent: int,
        fresh_id: str,
        settings: Settings,
        notices: Notices,
    ) -> None:
        self._rank = rank
        self._key = key
        self._position = position
        self._parent = parent
        self._fresh_id = fresh_id
        self._settings = settings
        self._notices = notices

    @property
    def is_needed(self) -> bool:
        """Whether the rank cannot derive the id by itself."""
        return self._key.batch is None or self._parent != 0

    def ask(self, leaving: Latch) -> Answer | None:
        """What rank 0 says; None where it says nothing. `leaving` tells that nobody waits any more.
        Raises OSError where there is no place to hear it."""
        with fork.importing():
            from argus.delivery.workplace import state_dir
            from argus.launch.handover import Handover
            from argus.launch.word import awaited
        handover = Handover(state_dir(self._settings), self._key.launch, self._position)
        is_unique = self._key.batch is not None
        limit_s = ASKED_LIMIT_S if is_unique else SPOKEN_LIMIT_S
        batch_id = awaited(
            *(handover, is_unique, _PROC, os.getpid(), leaving, limit_s), self._begun_by_parent
        )
        return None if batch_id is None else Answer(batch_id)

    def _begun_by_parent(self) -> str | None:
        if not self._parent:
            return None
        from argus.launch.ancestry import started_at
        from argus.launch.parent import batch_begun_by
        from argus.launch.word import seconds_since_boot

        age_s = max(0.0, seconds_since_boot() - started_at(os.getpid(), _PROC))
        # What it has begun since, it began as rank 0: that it says.
        return batch_begun_by(
            self._parent, self._settings, int(self._position), time.time() - age_s
        )

    def otherwise(self, reason: str) -> Answer:
        """Which batch it is, as nobody has said so."""
        if self._key.batch is not None:
            return Answer(self._fresh_id)  # what rank 0 has derived, unless it continues another
        self._notices.warn(
            "rank",
            "this is rank %s of %s, and rank 0 has not said which batch it is (%s): it goes on alone. "
            "Set ARGUS_BATCH_ID, or an ARGUS_STATE_DIR that all nodes share",
            self._rank.number,
            self._rank.world_size,
            reason,
        )
        return Answer(self._fresh_id, is_alone=True)
