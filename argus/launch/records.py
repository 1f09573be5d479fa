"""What the records of a job say of a run that is about to begin, and what it adds to them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from argus.core.settings import Settings
from argus.core.statuses import RUNNING
from argus.delivery.workplace import runs_dir, state_dir
from argus.launch.attempts import Attempts, is_by_this_process, is_running, sweep
from argus.launch.job import Job
from argus.launch.resume import (
    AmbiguousError,
    Attempt,
    Seat,
    attempt_of,
    continued,
    crashed,
    numbered,
)
from argus.rundir import layout, sidecar, writer
from argus.rundir.find import run_directories

_LIMIT_S = 4.0  # for others to have found theirs; less than a run waits for its own


class Beginning(NamedTuple):
    """What a run is to begin as. `note`: what a person should know, in one line."""

    attempt: Attempt
    note: Optional[str] = None


class Records:
    """Those of one job, for one run of it. For a thread that may wait for the disk."""

    def __init__(self, job: Job, settings: Settings) -> None:
        """Raises OSError where there is no place for records."""
        self._job = job
        self._settings = settings
        self._state = state_dir(settings)
        self._attempts = Attempts(self._state, job.name)
        self._written: Attempt | None = None
        sweep(self._state, time.time())

    def beginning(self, seat: Seat, fresh_id: str, is_given: bool) -> Beginning:
        """The attempt that a run at `seat` is: of a batch of before, or of `fresh_id`. `seat` has
        the position within this process, and gets that within this start of the job. `is_given`: the user has
        said which batch it is.

        It is written down at once, so that of two that look for it together only one continues a run.
        """
        with self._attempts.alone(_LIMIT_S):
            return self._beginning(seat, fresh_id, is_given)

    def _beginning(self, seat: Seat, fresh_id: str, is_given: bool) -> Beginning:
        known, is_whole = self._attempts.read()
        beside = [] if self._job.restart_count is None else _beside(known, seat)
        same = [attempt for attempt in beside if attempt.seat.command == seat.command]
        seat = seat._replace(position=seat.position + len(beside), repeat=seat.repeat + len(same))
        before, note = None, None
        if not is_given:
            before, note = self._before(known, seat, is_whole)
        batch_id = before.batch_id if before is not None else fresh_id
        number = numbered([*known, *([before] if before else [])], batch_id)
        overlaps = any(is_running(attempt) is not False for attempt in beside)
        attempt = Attempt(batch_id, number, seat, None, writer.identity(), overlaps, None)
        try:
            self._attempts.add(attempt)
            self._written = attempt
        except OSError:
            self._written = None  # `begin` tries again, and tells
        return Beginning(attempt, note)

    def begin(self, attempt: Attempt, run_directory: Path | None) -> None:
        """Write down where it begins. Raises OSError where the disk refuses."""
        kept = run_directory if self._settings.keeps_runs else None  # others go once delivered
        begun = attempt._replace(directory=None if kept is None else str(kept))
        if begun != self._written:
            self._attempts.add(begun)

    def end(self, attempt: Attempt, status: str) -> None:
        """Write down how it has ended. Raises OSError where the disk refuses."""
        self._attempts.end(attempt, status)

    def _before(
        self, known: list[Attempt], seat: Seat, is_whole: bool
    ) -> tuple[Attempt | None, str | None]:
        if self._job.restart_count == 0:
            return None, None
        if self._job.restart_count is None and not known and is_whole:
            return None, None  # the very first of its kind
        try:
            found = self._latest(known, seat)
            is_lost = found is not None and _is_gone(found)
            if (found is not None and not is_lost) or (is_whole and known and not is_lost):
                return found, None
            # Nothing, or nothing that can be relied on, is on record: the runs themselves may tell.
            found = self._latest(list(self._from_runs()), seat)
        except AmbiguousError:
            return None, "more than one earlier run could be meant"
        if found is None and (is_lost or not is_whole):
            what = "its directory is gone" if is_lost else "the record of it cannot be read"
            return None, what
        return found, None

    def _latest(self, attempts: list[Attempt], seat: Seat) -> Attempt | None:
        if self._job.restart_count is not None:
            return continued(attempts, seat)
        ended = {index: is_running(a) is False for index, a in enumerate(attempts)}
        return crashed(attempts, seat.position, ended)

    def _from_runs(self) -> Iterator[Attempt]:
        """The attempts that run directories tell of, in order of their numbers."""
        roots = [self._state / "spill"]
        if self._settings.keeps_runs:
            roots.append(runs_dir(self._settings))
        found = []
        for root in roots:
            for path in run_directories(root):
                content = sidecar.read(path)
                launch = content.get("launch")
                if isinstance(launch, dict) and launch.get("job") == self._job.name:
                    attempt = attempt_of({**content, **launch})
                    if attempt is not None:
                        status = content.get("status")
                        ended = status if status != RUNNING else None
                        found.append(attempt._replace(ended=ended))
        return iter(sorted(found, key=lambda a: (a.seat.restart_count, a.number)))


def sidecar_facts(job: Job, attempt: Attempt) -> dict[str, object]:
    """What the sidecar of a run keeps, so that records can be made again from it."""
    return {"job": job.name, **attempt.seat._asdict(), "overlaps": attempt.overlaps}


def _beside(known: list[Attempt], seat: Seat) -> list[Attempt]:
    """The runs of this script that other processes have begun in this start of the job."""
    wanted = (seat.project, seat.script, seat.restart_count)
    return [
        attempt
        for attempt in known
        if (attempt.seat.project, attempt.seat.script, attempt.seat.restart_count) == wanted
        and not is_by_this_process(attempt)
    ]


def _is_gone(attempt: Attempt) -> bool:
    """Whether the directory of a run that should have stayed is not there any more."""
    if attempt.directory is None:
        return False
    return not os.path.lexists(os.path.join(attempt.directory, layout.SIDECAR))
