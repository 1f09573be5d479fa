"""What is remembered of a job from one start to the next, for one run of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argus.core.settings import Settings
from argus.delivery import fork
from argus.delivery.latch import Latch
from argus.delivery.notices import Notices
from argus.launch.job import Job, script
from argus.launch.wanted import Answer, Wanted, next_number, worker_name

if TYPE_CHECKING:
    from argus.delivery.channel import RunFacts
    from argus.launch.records import Beginning, Records

LIMIT_S = 5.0  # for a record of an earlier attempt, on a disk that may stall


class Memory:
    """One run's. Nothing of it waits on the caller's thread: what touches the disk is done by a
    search, or by the sender."""

    def __init__(
        self, job: Job, wanted: Wanted, fresh_id: str, settings: Settings, notices: Notices
    ) -> None:
        self._job = job
        self._wanted = wanted
        self._fresh_id = fresh_id
        self._settings = settings
        self._notices = notices
        self._number = next_number(job, wanted.project)  # among the runs of this process
        self._records: Records | None = None
        self._beginning: Beginning | None = None

    @property
    def may_continue(self) -> bool:
        """Whether there may have been an attempt before."""
        return may_continue(self._job)

    def look_up(self, leaving: Latch) -> Answer:
        """Which batch it is. `leaving` tells that nobody waits any more. May raise OSError."""
        beginning = self._found_beginning()
        if beginning.note is not None and not leaving.is_set:
            self._notices.warn("resume", "a new run is begun: %s", beginning.note)
        return Answer(beginning.attempt.batch_id)

    def otherwise(self, reason: str) -> Answer:
        """Which batch it is, as nobody can tell."""
        self._notices.warn(
            "resume", "a new run is begun: the earlier one was not found (%s)", reason
        )
        return Answer(self._fresh_id)

    def _found_beginning(self) -> Beginning:
        """Raises OSError where there is no place for records."""
        with fork.importing():
            from argus.launch.records import Records
            from argus.launch.resume import Seat
            from argus.rundir import writer
        self._records = Records(self._job, self._settings)
        program = script(sys.argv) + worker_name()
        restart_count = self._job.restart_count or 0
        command = writer.command(None)
        seat = Seat(
            self._wanted.project, program, command, restart_count, self._number, self._number
        )
        given = self._wanted.batch_id
        self._beginning = self._records.beginning(seat, given or self._fresh_id, given is not None)
        return self._beginning

    def prepare(self, facts: RunFacts) -> None:
        """Tell what this attempt is, for the sidecar. In the sender's thread, before all else."""
        try:
            beginning = self._beginning or self._found_beginning()
        except OSError as error:
            self._notices.debug("no record of this attempt: %s", error)
            return
        from argus.launch.records import sidecar_facts

        if beginning.attempt.batch_id != facts.batch_id:  # it was found too late
            attempt = beginning.attempt._replace(batch_id=facts.batch_id, number=1)
            beginning = self._beginning = beginning._replace(attempt=attempt)
        facts.attempt = beginning.attempt.number
        facts.launch = sidecar_facts(self._job, beginning.attempt)

    def begun(self, run_directory: Path | None) -> dict[str, Any]:
        """Put it on record, and tell what `batch_start` says of it. In the sender's thread."""
        if self._beginning is None:
            return {}
        attempt, restarts = self._beginning.attempt, self._job.restart_count
        self._record(lambda records: records.begin(attempt, run_directory))
        restarts = attempt.number - 1 if restarts is None else restarts
        return {"attempt": attempt.number, "restart_count": restarts}

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
            self._notices.warn(
                "record",
                "this attempt cannot be written down (%s): a requeue will not know it",
                error,
            )


def may_continue(job: Job | None) -> bool:
    """Whether a job may have had a start before."""
    return job is not None and job.restart_count != 0
