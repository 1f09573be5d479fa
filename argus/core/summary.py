"""What a list of runs shows of each: counts, and the latest numbers of its recent jobs.

Pure. Whoever writes a run feeds its events in, one by one, and keeps the document in the sidecar;
a reader takes it up from there, and folds in only what the event file has had since.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argus.core.events import strictly_json
from argus.core.schema import NON_FINITE
from argus.core.statuses import DONE, FAILED, RUNNING
from argus.core.tally import Event, Jobs, Tally, job_key

MAX_JOBS = 100  # whose numbers are kept: those that spoke last
MAX_NUMBERS = 64  # of one job, for each kind
MAX_CONFIG = 300  # hyperparameters of a run

_STATES = {"job_start": RUNNING, "job_epoch": RUNNING, "job_done": DONE, "job_failed": FAILED}


class Job:
    """The latest of one job. `last` is the data of its newest epoch, `metrics` its final ones."""

    __slots__ = ("dataset", "epoch", "error", "last", "metrics", "model", "state")

    def __init__(self) -> None:
        self.state = RUNNING
        self.model: str | None = None
        self.dataset: str | None = None
        self.epoch: int | None = None
        self.last: Mapping[str, Any] = {}
        self.metrics: Mapping[str, Any] = {}
        self.error: str | None = None

    def document(self, job_id: str) -> dict[str, Any]:
        """As JSON, with numbers alone: of the rest of an event's data nothing is kept."""
        self.last, self.metrics = numbers(self.last), numbers(self.metrics)
        return {
            "job_id": job_id,
            "state": self.state,
            "model": self.model,
            "dataset": self.dataset,
            "epoch": self.epoch,
            "last": self.last,
            "metrics": self.metrics,
            "error": self.error,
        }


class Summary:
    """The sum of the events so far."""

    def __init__(self, jobs: Jobs | None = None) -> None:
        """`jobs` is empty, and keeps the state of each job; a dict unless said otherwise."""
        self._states: Jobs = {} if jobs is None else jobs
        self.tally = Tally(self._states)
        self._recent: dict[str, Job] = {}  # the one that spoke last comes last
        self._config: dict[str, Any] | None = None

    def add(self, event: Event) -> None:
        """Count one more event, valid by the contract."""
        self.tally.add(event)
        state = _STATES.get(event["event_type"])
        if state is not None:
            self._note(event["event_type"], event["job_id"], event["data"], state)
        elif event["event_type"] == "env_snapshot" and self._config is None:
            self._config = _config(event["data"].get("config"))  # the first one of a batch wins

    def jobs(self) -> dict[str, Job]:
        """The recent jobs by their ids, the one that spoke last at the end."""
        return self._recent

    def document(self) -> dict[str, Any]:
        """As JSON: for a sidecar, and for whoever lists runs."""
        jobs = list(self._recent.items())
        last = next((job.last for _, job in reversed(jobs) if job.last), {})
        metrics = next((job.metrics for _, job in reversed(jobs) if job.metrics), {})
        return {
            **self.tally.facts(),
            **self.tally.counts(),
            "is_started": self.tally.is_started,
            "last": numbers(last),
            "metrics": numbers(metrics),
            "config": self._config,
            "jobs": [job.document(job_id) for job_id, job in jobs],
        }

    @classmethod
    def resumed(cls, document: Mapping[str, Any]) -> Summary:
        """What `document` was made of, as far as it tells: more can be added. What is broken in it
        counts as not there."""
        summary = cls()
        for told in _objects(document.get("jobs"))[-MAX_JOBS:]:
            job_id, state = told.get("job_id"), told.get("state")
            if not isinstance(job_id, str) or state not in (RUNNING, DONE, FAILED):
                continue
            job = summary._recent[job_id] = Job()
            job.state = state
            job.model, job.dataset, job.error = map(_text, map(told.get, _TEXTS))
            job.epoch = _epoch(told)
            job.last, job.metrics = (numbers(told.get(key)) for key in ("last", "metrics"))
        summary._config = _config(document.get("config"))
        known = {job_key(job_id): job.state for job_id, job in summary._recent.items()}
        summary.tally.resume(document, known)
        return summary

    def _note(self, event_type: str, job_id: str, data: Mapping[str, Any], state: str) -> None:
        job = self._recent.pop(job_id, None)
        if job is None:
            job = Job()
            self._make_room()
        self._recent[job_id] = job
        if event_type == "job_epoch":
            job.epoch, job.last = _epoch(data), data
            return  # an epoch that comes late does not bring a job back
        job.state = state
        if event_type == "job_start":
            job.model, job.dataset = _text(data.get("model")), _text(data.get("dataset"))
            job.error = None
        else:
            metrics = data.get("metrics")
            job.metrics = metrics if isinstance(metrics, Mapping) else {}
            job.error = _text(data.get("error")) if state == FAILED else None

    def _make_room(self) -> None:
        """Forget a job: the one that has been silent for longest, and an ended one if there is."""
        if len(self._recent) >= MAX_JOBS:
            ended = (job_id for job_id, job in self._recent.items() if job.state != RUNNING)
            del self._recent[next(ended, next(iter(self._recent)))]


_TEXTS = ("model", "dataset", "error")
_MAX_TEXT = 300


def numbers(data: object, most: int = MAX_NUMBERS) -> dict[str, float | int | str]:
    """The first numbers of an event's `data`, in strict JSON: those that are not finite as the
    strings that they travel as."""
    found: dict[str, float | int | str] = {}
    for name, value in data.items() if isinstance(data, Mapping) else ():
        if type(value) is float and value - value == 0.0:  # finite: nearly all are
            found[name] = value
        elif name != "epoch" and _is_number(value):
            found[name] = strictly_json(value)
        else:
            continue
        if len(found) == most:
            break
    return found


def _config(value: object) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    flat = list(value.items())[:MAX_CONFIG]
    return {
        name: _text(each) if isinstance(each, str) else strictly_json(each) for name, each in flat
    }


def _is_number(value: object) -> bool:
    if type(value) is int:
        return value.bit_length() < 1_024  # beyond it, a reader's floats end
    return type(value) is float or (type(value) is str and value in NON_FINITE)


def _epoch(data: Mapping[str, Any]) -> int | None:
    value = data.get("epoch")
    return value if type(value) is int and -(2**53) < value < 2**53 else None


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) else None


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
