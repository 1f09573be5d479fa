"""The place of one run in its launch and its job: who speaks, and of which batch.

Made on the caller's thread, from the environment and a few files of /proc. All that touches a disk
is done by a search, or by the sender when it writes down the first and the last event.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

from argus.core.identity import generated_batch_id
from argus.core.schema import MAX_BATCH_ID
from argus.core.settings import Settings
from argus.delivery import fork
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from argus.launch.ancestry import launcher_of, started_with
from argus.launch.job import Job, same_command, script, slurm_job
from argus.launch.key import Key, derived, key_of
from argus.launch.rank import LIGHTNING, MARKS, Rank, rank_of
from argus.launch.search import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argus.delivery.channel import RunFacts
    from argus.launch.records import Beginning, Records

ASKED_LIMIT_S = 20.0  # for a rank that needs its batch id now, and another has to say it
LOOK_UP_LIMIT_S = 5.0  # for a record of an earlier attempt, on a disk that may stall
SPOKEN_LIMIT_S = 600.0  # for a rank that can wait

_PROC = Path("/proc")
_positions: dict[tuple[object, ...], int] = {}


class Wanted(NamedTuple):
    """What a caller says of the run."""

    batch_prefix: str
    batch_id: Optional[str]  # None where it is to be found out
    project: str
    experiment_type: Optional[str]
    joins: bool
    all_speak: bool
    resumes: bool  # a run that has crashed


class Answer(NamedTuple):
    """Which batch it is."""

    batch_id: str
    is_alone: bool = False  # nobody has said so


class Place:
    """One run's. `rank` is None for a process of its own, `job` for one that nothing remembers."""

    def __init__(
        self,
        rank: Rank | None,
        key: Key | None,
        job: Job | None,
        wanted: Wanted,
        settings: Settings,
        notices: Notices,
    ) -> None:
        self.rank = rank
        self.key = key
        self.wanted = wanted
        self.settings = settings
        self.notices = notices
        is_first = rank is None or rank.is_first
        self.is_silent = not is_first and not wanted.all_speak
        self._follows = wanted.joins or not is_first
        self.every_event: dict[str, Any] = {}
        if wanted.all_speak and rank is not None and rank.number is not None:
            self.every_event = {"rank": rank.number}
        self._job = job if is_first and not wanted.joins else None
        self._records: Records | None = None
        self._beginning: Beginning | None = None
        self.position = 0 if key is None else _next(key.launch, rank and rank.number)
        self._seat_number = 0
        if job is not None and self._job is job:
            self._seat_number = _next(job, wanted.project)
        self.fresh_id = self._fresh_id()
        self.search: Search[Answer] | None = self._needed_search(is_first, job)
        self.known_id = "" if self.search else wanted.batch_id or self.fresh_id

    def _fresh_id(self) -> str:
        prefix = self.wanted.batch_prefix
        if self.key is not None and self.key.batch is not None:
            return derived(prefix, self.key.batch, self.position, MAX_BATCH_ID)
        return generated_batch_id(prefix, os.urandom(6))

    def _needed_search(self, is_first: bool, job: Job | None) -> Search[Answer] | None:
        if self.wanted.batch_id is not None:
            return None
        continues = job is not None and job.restart_count != 0
        if is_first:
            return Search(self._look_up, self._not_found, LOOK_UP_LIMIT_S) if continues else None
        if continues or self.key is None or self.key.batch is None:
            return Search(self._ask, self._unheard, ASKED_LIMIT_S)
        return None

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

    # For rank 0, or a process of its own: what its job has had before

    def _look_up(self, leaving: Latch) -> Answer:
        beginning = self._found_beginning()
        if beginning.note is not None and not leaving.is_set:
            self.notices.warn("resume", "a new run is begun: %s", beginning.note)
        return Answer(beginning.attempt.batch_id)

    def _not_found(self, reason: str) -> Answer:
        self.notices.warn(
            "resume", "a new run is begun: the earlier one was not found (%s)", reason
        )
        return Answer(self.fresh_id)

    def _found_beginning(self) -> Beginning:
        """Raises OSError where there is no place for records."""
        with fork.importing():
            from argus.launch.records import Records
            from argus.launch.resume import Seat
            from argus.rundir import writer
        assert self._job is not None
        complain = self.notices.debug
        self._records = Records(self._job, self.settings, lambda line: complain("%s", line))
        program = script(sys.argv) + _worker_name()
        restart_count = self._job.restart_count or 0
        command = writer.command(None)
        seat = Seat(self.wanted.project, program, command, restart_count, self._seat_number)
        given = self.wanted.batch_id
        self._beginning = self._records.beginning(seat, given or self.fresh_id, given is not None)
        return self._beginning

    def prepare(self, facts: RunFacts) -> None:
        """Tell what this attempt is, for the sidecar. In the sender's thread, before all else."""
        facts.every_event = self.every_event
        if self._job is None or facts.joins:
            return
        try:
            beginning = self._beginning or self._found_beginning()
        except OSError as error:
            self.notices.debug("no record of this attempt: %s", error)
            return
        from argus.launch.records import sidecar_facts

        if beginning.attempt.batch_id != facts.batch_id:  # it was found too late
            attempt = beginning.attempt._replace(batch_id=facts.batch_id, number=1)
            beginning = self._beginning = beginning._replace(attempt=attempt)
        facts.attempt = beginning.attempt.number
        facts.launch = sidecar_facts(self._job, beginning.attempt)

    def begun(self, run_directory: Path | None) -> dict[str, Any]:
        """What `batch_start` says of it, once it is on record. In the sender's thread."""
        fields: dict[str, Any] = {}
        if self.rank is not None:
            fields = {"launcher": self.rank.launcher, "world_size": self.rank.world_size}
            fields.update({"alone": True} if self.is_alone else {})
        if self._job is not None and self._beginning is not None:
            attempt = self._beginning.attempt
            fields["attempt"] = attempt.number
            fields["restart_count"] = self._job.restart_count or 0
            self._record(lambda records: records.begin(attempt, run_directory))
        return fields

    def ended(self, status: str) -> None:
        """Put on record how it has ended. In the sender's thread."""
        if self._beginning is not None:
            attempt = self._beginning.attempt
            self._record(lambda records: records.end(attempt, status))

    def _record(self, write: Callable[[Records], None]) -> None:
        if self._records is None:
            return
        try:
            write(self._records)
        except OSError as error:
            self.notices.warn(
                "record",
                "this attempt cannot be written down (%s): a requeue will not know it",
                error,
            )

    # For the other ranks: what rank 0 says

    def _ask(self, leaving: Latch) -> Answer | None:
        with fork.importing():
            from argus.delivery.workplace import state_dir
            from argus.launch.handover import Handover
            from argus.launch.word import awaited
        assert self.key is not None
        handover = Handover(state_dir(self.settings), self.key.launch, self.position)
        is_unique = self.key.batch is not None
        batch_id = awaited(handover, is_unique, _PROC, os.getpid(), leaving, SPOKEN_LIMIT_S)
        return None if batch_id is None else Answer(batch_id)

    def _unheard(self, reason: str) -> Answer:
        if self.key is not None and self.key.batch is not None:
            return Answer(self.fresh_id)  # what rank 0 has derived, unless it continues another
        self.notices.warn(
            "rank",
            "this is rank %s of %s, and rank 0 has not said which batch it is (%s): it goes on alone. "
            "Set ARGUS_BATCH_ID, or an ARGUS_STATE_DIR that all nodes share",
            self.rank and self.rank.number,
            self.rank and self.rank.world_size,
            reason,
        )
        return Answer(self.fresh_id, is_alone=True)


def place_of(
    environ: Mapping[str, str], wanted: Wanted, settings: Settings, notices: Notices
) -> Place | None:
    """The place of a run that begins in this process; None where there is nothing to tell."""
    rank = rank_of(environ)
    generations, launcher = 0, None
    if rank is not None:
        pid = os.getpid()
        mark = MARKS[rank.launcher]
        was_launched = started_with(mark, pid, _PROC)
        if _worker_name():
            if was_launched:  # a worker of a rank has the variables of its parent, and is none
                rank = None
        elif was_launched or rank.launcher == LIGHTNING:  # whose rank 0 has started the others
            launcher, generations = launcher_of(mark, pid, _PROC)
    key = rank and key_of(rank, environ, sys.argv, launcher, generations)
    job = slurm_job(environ)
    if job is None and wanted.resumes:
        directory, experiment_type = os.getcwd(), wanted.experiment_type
        job = same_command(wanted.project, experiment_type, sys.argv, directory)
    if rank is None and job is None:
        return None
    return Place(rank, key, job, wanted, settings, notices)


def _next(*of: object) -> int:
    """Count the runs of one kind in this process."""
    _positions[of] = number = _positions.get(of, 0) + 1
    return number


def _worker_name() -> str:
    """The name of a worker of `multiprocessing`; empty in any other process."""
    process = sys.modules.get("multiprocessing.process")
    parent_process = getattr(process, "parent_process", None)
    if parent_process is None or parent_process() is None:
        return ""
    return f":{process.current_process().name}"  # type: ignore[union-attr]
