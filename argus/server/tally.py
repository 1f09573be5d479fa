"""What the events of a batch add up to: its status, its jobs, its facts.

Pure: events go in one by one, in the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RUNNING = "running"
DONE = "done"
FAILED = "failed"

Event = dict[str, Any]


class Tally:
    """The sum of the events so far. Read out again from the event file, it comes out the same."""

    def __init__(self) -> None:
        self.n_events = 0
        self.jobs: dict[str, str] = {}
        self.status = RUNNING
        self._project: str | None = None
        self._host: str | None = None
        self._command: str | None = None
        self._experiment_type: str | None = None
        self._n_total_jobs: int | None = None
        self._started = False  # whether a batch_start has come
        self._started_at: str | None = None
        self._finished_at: str | None = None

    def add(self, event: Event) -> None:
        """Count one more event, valid by the contract."""
        self.n_events += 1
        source = event["source"]
        self._project = self._project or source["project"]
        self._host = self._host or source.get("host")
        self._started_at = self._started_at or event["timestamp"]
        step = _STEPS.get(event["event_type"])
        if step is not None:
            step(self, event)

    def facts(self) -> dict[str, Any]:
        """What changes seldom: the description of the batch."""
        return {
            "project": self._project,
            "host": self._host,
            "status": self.status,
            "started_at": self._started_at,
            "finished_at": self._finished_at,
            "experiment_type": self._experiment_type,
            "command": self._command,
            "n_total_jobs": self._n_total_jobs,
        }

    def counts(self) -> dict[str, int]:
        """What changes with every event."""
        states = list(self.jobs.values())
        return {
            "n_events": self.n_events,
            "n_jobs": len(states),
            "n_done": states.count(DONE),
            "n_failed": states.count(FAILED),
        }

    def _batch_start(self, event: Event) -> None:
        """The first one sets the start time; a later one refreshes the rest, and revives."""
        if not self._started:
            self._started = True
            self._started_at = event["timestamp"]
        data = event["data"]
        self._command = data.get("command") or event["source"].get("command") or self._command
        self._experiment_type = data.get("experiment_type") or self._experiment_type
        total = data.get("n_total_jobs")
        self._n_total_jobs = self._n_total_jobs if total is None else total
        if self.status != DONE:
            self.status = RUNNING
            self._finished_at = None

    def _batch_done(self, event: Event) -> None:
        self.status = DONE
        self._finished_at = event["timestamp"]

    def _batch_failed(self, event: Event) -> None:
        self.status = FAILED
        self._finished_at = event["timestamp"]

    def _job_start(self, event: Event) -> None:
        self.jobs[event["job_id"]] = RUNNING

    def _job_epoch(self, event: Event) -> None:
        self.jobs.setdefault(event["job_id"], RUNNING)

    def _job_done(self, event: Event) -> None:
        self.jobs[event["job_id"]] = DONE

    def _job_failed(self, event: Event) -> None:
        self.jobs[event["job_id"]] = FAILED


# A log line makes no job: a heartbeat carries the batch's id where no job is open.
_STEPS: dict[str, Callable[[Tally, Event], None]] = {
    "batch_start": Tally._batch_start,
    "batch_done": Tally._batch_done,
    "batch_failed": Tally._batch_failed,
    "job_start": Tally._job_start,
    "job_epoch": Tally._job_epoch,
    "job_done": Tally._job_done,
    "job_failed": Tally._job_failed,
}
