"""What the events of one batch add up to: pure state, one event folded in after the other.

No file, clock or terminal; whoever follows a run feeds it, whoever draws reads it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"

_KEPT_LOG_LINES = 50
_KEPT_SNAPSHOTS = 200
_HEARTBEAT = ("heartbeat", "debug")  # what the contract uses for a sign of life


class Job:
    """One job: its status, and its epochs in the order in which they arrived."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.status = RUNNING
        self.started = False
        self.error = ""
        self.epochs: list[Mapping[str, Any]] = []
        self.train_epochs: int | None = None  # what job_done said

    def series(self, field: str) -> list[tuple[float, float]]:
        """(epoch, value) of a numeric field, NaN and infinities included."""
        points = []
        for data in self.epochs:
            value = as_number(data.get(field))
            if value is not None:
                points.append((float(data["epoch"]), value))
        return points

    def latest(self, field: str) -> float | None:
        """The last value of a numeric field."""
        points = self.series(field)
        return points[-1][1] if points else None

    def best(self, field: str) -> float | None:
        """The smallest finite value of a numeric field."""
        return min((y for _, y in self.series(field) if math.isfinite(y)), default=None)


class Progress:
    """One batch, as far as its events have arrived."""

    def __init__(self) -> None:
        self.status = WAITING
        self.batch_id = ""
        self.error = ""
        self.n_jobs: int | None = None  # what batch_start announced
        self.jobs: dict[str, Job] = {}
        self.snapshots: deque[Mapping[str, Any]] = deque(maxlen=_KEPT_SNAPSHOTS)
        self.log: deque[str] = deque(maxlen=_KEPT_LOG_LINES)
        self.events = 0
        self.duplicates = 0
        self._seen: set[str] = set()

    def fold(self, event: Mapping[str, Any]) -> bool:
        """Take in one event; False where it is a duplicate, which changes nothing else."""
        event_id = str(event.get("event_id"))
        if event_id in self._seen:
            self.duplicates += 1
            return False
        self._seen.add(event_id)
        self.events += 1
        data = event.get("data") or {}
        handle = _HANDLERS.get(str(event.get("event_type")))
        if handle is not None:
            handle(self, event, data)
        return True

    def job(self, event: Mapping[str, Any]) -> Job:
        """The job that an event belongs to."""
        job_id = str(event.get("job_id"))
        return self.jobs.setdefault(job_id, Job(job_id))

    def missing(self) -> list[str]:
        """What a batch that has ended ought to have sent and has not; empty for a whole one."""
        gaps = [] if self.batch_id else ["batch_start"]
        if self.status not in (DONE, FAILED):
            gaps.append("batch_done")
        if self.n_jobs is not None and len(self.jobs) < self.n_jobs:
            gaps.append(f"{self.n_jobs - len(self.jobs)} of {self.n_jobs} jobs")
        for job in self.jobs.values():
            gaps += [f"{what} of {job.job_id}" for what in _missing_of_job(job)]
        return gaps


def as_number(value: Any) -> float | None:
    """A number as it travels, where "NaN" and "Infinity" are strings; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _missing_of_job(job: Job) -> list[str]:
    gaps = [] if job.started else ["job_start"]
    if job.status == RUNNING:
        gaps.append("job_done")
    arrived = {data["epoch"] for data in job.epochs}
    expected = job.train_epochs if job.train_epochs is not None else max(arrived, default=-1) + 1
    absent = expected - len(arrived)
    if absent > 0:
        gaps.append(f"{absent} of {expected} epochs")
    return gaps


def _batch_start(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.status = RUNNING
    progress.batch_id = str(event.get("batch_id"))
    progress.n_jobs = data.get("n_total_jobs")


def _batch_done(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.status = DONE


def _batch_failed(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.status = FAILED
    progress.error = str(data.get("error") or data.get("reason") or "")


def _job_start(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.job(event).started = True


def _job_epoch(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.job(event).epochs.append(data)


def _job_done(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    job = progress.job(event)
    job.status = DONE
    job.train_epochs = data.get("train_epochs")


def _job_failed(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    job = progress.job(event)
    job.status = FAILED
    job.error = str(data.get("error") or data.get("reason") or "")


def _log_line(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    if (data.get("line"), data.get("level")) != _HEARTBEAT:
        progress.log.append(f"{event.get('job_id')}: {data.get('line')}")


def _snapshot(progress: Progress, event: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    progress.snapshots.append(data)


_HANDLERS = {
    "batch_start": _batch_start,
    "batch_done": _batch_done,
    "batch_failed": _batch_failed,
    "job_start": _job_start,
    "job_epoch": _job_epoch,
    "job_done": _job_done,
    "job_failed": _job_failed,
    "log_line": _log_line,
    "resource_snapshot": _snapshot,
}
