"""What the events of a batch add up to: its status, its jobs, its facts.

Pure: events go in one by one, in the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from argus.core.statuses import DONE, FAILED, PREEMPTED, RUNNING

try:
    from _blake2 import blake2b
except ImportError:  # a Python that was built without its own hashes
    # It loads OpenSSL: 4 MiB in every process that reports, which needs none for a plain URL.
    from hashlib import blake2b

Event = dict[str, Any]

_STATES = (RUNNING, DONE, FAILED)
_MAX_REMEMBERED = 256
_MAX_COUNT = 2**53  # beyond it a browser's numbers are not exact


class Jobs(Protocol):
    """Where the states of jobs are kept, each a place in the list of states; a dict is one."""

    def get(self, key: bytes, /) -> int | None:
        """The state of a job; None for a new one."""

    def __setitem__(self, key: bytes, state: int, /) -> None: ...


class Tally:
    """The sum of the events so far. Read out again from the event file, it comes out the same."""

    def __init__(self, jobs: Jobs) -> None:
        """`jobs` is empty, and the tally's own."""
        self.n_events = 0
        self.status = RUNNING
        self._jobs = jobs
        self._n_in_state = [0] * len(_STATES)
        self._keys: dict[str, bytes] = {}  # of the jobs at work: a hash takes a microsecond
        self._project: str | None = None
        self._host: str | None = None
        self._command: str | None = None
        self._experiment_type: str | None = None
        self._n_total_jobs: int | None = None
        self.is_started = False  # whether a batch_start has come
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

    def resume(self, document: Mapping[str, Any], states: Mapping[bytes, str]) -> None:
        """Go on from what `facts` and `counts` gave; `states` are those of the jobs that are known.
        What is broken in the document counts as not there."""
        for key, state in states.items():
            self._jobs[key] = _STATES.index(state)
        counts = ("n_events", "n_jobs", "n_done", "n_failed")
        self.n_events, known, done, failed = (_count(document, name, 0) or 0 for name in counts)
        self._n_in_state = [max(known - done - failed, 0), done, failed]
        self.status = _text(document, "status") or RUNNING
        self.is_started = document.get("is_started") is True
        self._project, self._host = _text(document, "project"), _text(document, "host")
        self._command = _text(document, "command")
        self._experiment_type = _text(document, "experiment_type")
        self._started_at = _text(document, "started_at")
        self._finished_at = _text(document, "finished_at")
        self._n_total_jobs = _count(document, "n_total_jobs", None)

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
        running, done, failed = self._n_in_state
        return {
            "n_events": self.n_events,
            "n_jobs": running + done + failed,
            "n_done": done,
            "n_failed": failed,
        }

    def job_status(self, job_id: str) -> str | None:
        """What a job is; None for one of which nothing has come."""
        state = self._jobs.get(job_key(job_id))
        return None if state is None else _STATES[state]

    def _batch_start(self, event: Event) -> None:
        """The first one sets the start time; a later one refreshes the rest, and revives."""
        if not self.is_started:
            self.is_started = True
            self._started_at = event["timestamp"]
        data = event["data"]
        command = _text(data, "command") or event["source"].get("command")
        self._command = command or self._command
        self._experiment_type = _text(data, "experiment_type") or self._experiment_type
        self._n_total_jobs = _count(data, "n_total_jobs", self._n_total_jobs)
        if self.status != DONE:
            self.status = RUNNING
            self._finished_at = None

    def _batch_done(self, event: Event) -> None:
        self.status = DONE
        self._finished_at = event["timestamp"]

    def _batch_failed(self, event: Event) -> None:
        self.status = PREEMPTED if event["data"].get("preempted") is True else FAILED
        self._finished_at = event["timestamp"]

    def _job_start(self, event: Event) -> None:
        self._revive(event)
        self._set(event["job_id"], RUNNING)

    def _revive(self, event: Event) -> None:
        """Work that goes on after the end says that it was none. What only arrives late does not."""
        if self.status != RUNNING and event["timestamp"] > (self._finished_at or ""):
            self.status = RUNNING
            self._finished_at = None

    def _job_epoch(self, event: Event) -> None:
        self._revive(event)
        if event["job_id"] in self._keys:
            return  # it has a state: this is asked for each event
        if self._jobs.get(self._key(event["job_id"])) is None:
            self._set(event["job_id"], RUNNING)

    def _job_done(self, event: Event) -> None:
        self._set(event["job_id"], DONE)

    def _job_failed(self, event: Event) -> None:
        self._set(event["job_id"], FAILED)

    def _set(self, job_id: str, status: str) -> None:
        key, state = self._key(job_id), _STATES.index(status)
        before = self._jobs.get(key)
        self._jobs[key] = state
        if before is not None:
            self._n_in_state[before] -= 1
        self._n_in_state[state] += 1

    def _key(self, job_id: str) -> bytes:
        key = self._keys.get(job_id)
        if key is None:
            if len(self._keys) >= _MAX_REMEMBERED:
                self._keys.clear()
            key = self._keys[job_id] = job_key(job_id)
        return key


def job_key(job_id: str) -> bytes:
    """A job id as 16 bytes, whatever its length."""
    return blake2b(job_id.encode("utf-8", "replace"), digest_size=16).digest()


def _count(document: Mapping[str, Any], key: str, otherwise: int | None) -> int | None:
    value = document.get(key)
    return value if type(value) is int and 0 <= value < _MAX_COUNT else otherwise


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


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
