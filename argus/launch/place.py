"""The place of one run in its launch and its job: who speaks, and of which batch.

Made on the caller's thread, from the environment and a few files of /proc. All that touches a disk
is done by a search, or by the sender when it writes down the first and the last event.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argus.core.identity import fit_id, generated_batch_id
from argus.core.schema import MAX_BATCH_ID
from argus.core.settings import Settings
from argus.delivery.notices import Notices
from argus.launch.hearing import ASKED_LIMIT_S, Hearing
from argus.launch.job import Job
from argus.launch.key import Key, derived
from argus.launch.memory import LIMIT_S, Memory, may_continue
from argus.launch.rank import LIGHTNING, Rank, elastic_restarts
from argus.launch.search import Search
from argus.launch.wanted import Answer, Wanted, next_number

if TYPE_CHECKING:
    from argus.delivery.channel import RunFacts


class Place:
    """One run's. `rank` and `key` are None for a process of its own, `job` for one that nothing
    remembers. `parent` is the process that is rank 0 itself, where it has started this one."""

    def __init__(
        self,
        rank: Rank | None,
        key: Key | None,
        job: Job | None,
        wanted: Wanted,
        settings: Settings,
        notices: Notices,
        parent: int = 0,
    ) -> None:
        self.rank = rank
        self.key = key
        self.wanted = wanted
        self.settings = settings
        self.notices = notices
        is_first = rank is None or rank.is_first
        self.is_silent = not is_first and not wanted.all_speak
        self._follows = wanted.joins or not is_first
        self._restarts = elastic_restarts(os.environ)
        self.position = self._position()
        fresh_id = self._fresh_id()
        self._memory: Memory | None = None
        if job is not None and not self._follows:
            self._memory = Memory(job, wanted, fresh_id, settings, notices)
        self.search: Search[Answer] | None = None
        if self._memory is not None and self._memory.may_continue:
            self.search = Search(self._memory.look_up, self._memory.otherwise, LIMIT_S)
        elif rank is not None and key is not None and not rank.is_first:
            # What a callback begins, it begins after the ranks are there.
            began = 0 if wanted.series else parent
            hearing = Hearing(rank, key, self.position, began, fresh_id, settings, notices)
            if hearing.is_needed or may_continue(job):
                self.search = Search(hearing.ask, hearing.otherwise, ASKED_LIMIT_S)
        if wanted.batch_id is not None:
            self.search = None
        self.known_id = "" if self.search else wanted.batch_id or fresh_id

    def _position(self) -> str:
        """Which of the runs of the script this is, for all ranks alike."""
        if self.key is None or self.rank is None:
            return ""
        number, series = self.wanted.number, self.wanted.series
        if self.rank.launcher != LIGHTNING:  # whose rank 0 counts what it began before it was one
            number = next_number(self.key.launch, self.rank.number, series)
        return f"{series}{number}"

    def _fresh_id(self) -> str:
        prefix = self.wanted.batch_prefix
        if self.key is not None and self.key.batch is not None:
            return fit_id(derived(prefix, self.key.batch, self.position), MAX_BATCH_ID)
        return fit_id(generated_batch_id(prefix, os.urandom(6)), MAX_BATCH_ID)

    def found(self) -> Answer | None:
        """Which batch it is, as soon as that is known. Does not wait."""
        if self.search is None:
            return Answer(self.known_id)
        self.search.start()
        return self.search.answer

    def settled_id(self) -> str:
        """The id of the batch. Waits for it where it is not known: for `ASKED_LIMIT_S` at most."""
        return self.known_id if self.search is None else self.search.wait().batch_id

    @property
    def is_alone(self) -> bool:
        """Whether this is a rank that has had no word from rank 0, and no longer waits for one."""
        answer = self.found()
        return answer is not None and answer.is_alone

    @property
    def joins(self) -> bool:
        """Whether somebody else begins and ends the batch."""
        return self._follows and not self.is_alone

    def prepare(self, facts: RunFacts) -> None:
        """Tell what this run is, for its sidecar. In the sender's thread, before all else."""
        if self.wanted.all_speak and self.rank is not None and self.rank.number is not None:
            facts.every_event = {"rank": self.rank.number}
        if facts.joins:
            return
        facts.attempt = 1 + (self._restarts or 0)
        if self._memory is not None:
            self._memory.prepare(facts)

    def begun(self, run_directory: Path | None) -> dict[str, Any]:
        """What `batch_start` says of it, once it is on record. In the sender's thread."""
        fields: dict[str, Any] = {}
        if self.rank is not None:
            fields = {"launcher": self.rank.launcher, "world_size": self.rank.world_size}
            fields.update({"alone": True} if self.is_alone else {})
        if self._memory is not None:
            fields.update(self._memory.begun(run_directory))
        elif self._restarts is not None:
            fields.update(attempt=1 + self._restarts, restart_count=self._restarts)
        return fields

    def ended(self, status: str) -> None:
        """Put on record how it has ended. In the sender's thread."""
        if self._memory is not None:
            self._memory.ended(status)
