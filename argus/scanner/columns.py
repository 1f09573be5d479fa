"""The numbers of a run as columns: one series for each job and name, each host and GPU.

Pure. Columns are a tenth of the events, and what a chart draws.
"""

from __future__ import annotations

import calendar
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

from argus.core.events import strictly_json
from argus.core.summary import numbers
from argus.core.tally import Event

MAX_SERIES = 20_000  # of one run; a hostile one has no end of names
_MAX_JOBS = 100_000
_NO_EPOCH = -(2**63)


class Key(NamedTuple):
    """Which series: of a job, or of a host and one of its GPUs."""

    owner: str
    gpu: Optional[int]
    name: str


class Series:
    """One line of a chart. Times are seconds since the epoch.

    Arrays: a million points take 24 MB, where lists of numbers would take ten times that.
    """

    __slots__ = ("epochs", "is_finite", "times", "values")

    def __init__(self) -> None:
        self.epochs = array("q")
        self.times = array("d")
        self.values = array("d")
        self.is_finite = True  # all of them are

    def add(self, time: float, value: object) -> None:
        """One more point; `value` as `numbers` gives it."""
        if type(value) is float:  # finite: nearly all are
            self.values.append(value)
        else:
            number = float(value)  # type: ignore[arg-type] # "Infinity" is one to Python, too
            self.values.append(number)
            self.is_finite = self.is_finite and number - number == 0.0
        self.times.append(time)

    def points(self) -> dict[str, Any]:
        """As JSON."""
        values: list[Any] = self.values.tolist()
        if not self.is_finite:
            values = [strictly_json(value) for value in values]
        return {"time": self.times.tolist(), "value": values}

    def told_epochs(self) -> list[Optional[int]]:
        """The epochs; None where an event had none."""
        return [None if epoch == _NO_EPOCH else epoch for epoch in self.epochs]


class Columns:
    """The sum of the events that went in, in the order in which they came."""

    def __init__(self) -> None:
        self._series: dict[Key, Series] = {}
        self._lines: dict[str, dict[str, Series]] = {}  # the same, by job and name
        self._resources: dict[Key, Series] = {}
        self._jobs: dict[str, dict[str, Any]] = {}
        self._environment: Optional[Mapping[str, Any]] = None
        self._counts: dict[str, int] = {}
        self._failure: dict[str, Optional[str]] = {}  # empty: its end was not among the events
        self._second = ("", 0)

    def add(self, events: Iterable[Event]) -> None:
        """Take in more events, valid by the contract."""
        for event in events:
            kind = event["event_type"]
            self._counts[kind] = self._counts.get(kind, 0) + 1
            step = _STEPS.get(kind)
            if step is not None:
                step(self, event, event["data"])

    def document(self) -> dict[str, Any]:
        """As JSON: see the monitor's /api/metrics."""
        document: dict[str, Any] = {
            "series": [
                {
                    "job": key.owner,
                    "name": key.name,
                    "epoch": series.told_epochs(),
                    **series.points(),
                }
                for key, series in self._series.items()
            ],
            "jobs": list(self._jobs.values()),
            "resources": [
                {
                    "host": key.owner,
                    "gpu": key.gpu,
                    "name": key.name,
                    **series.points(),
                }
                for key, series in self._resources.items()
            ],
            "events": self._counts,
            **self._failure,
        }
        if self._environment is not None:
            document["environment"] = self._environment
        return document

    def _epoch(self, event: Event, data: Mapping[str, Any]) -> None:
        time, told = self._seconds(event["timestamp"]), data.get("epoch")
        epoch = told if type(told) is int and abs(told) < -_NO_EPOCH else _NO_EPOCH
        job_id = event["job_id"]
        lines = self._lines.get(job_id)
        if lines is None:
            lines = self._lines[job_id] = {}
        for name, value in numbers(data, MAX_SERIES).items():
            series = lines.get(name) or self._line(job_id, name)
            if series is not None:
                series.add(time, value)
                series.epochs.append(epoch)
        job = self._jobs.get(job_id)
        if job is None:
            job = self._job(job_id)
        if "state" not in job:  # it began before we looked
            job.update(state="running", started_at=event["timestamp"])
        if epoch >= job.get("epochs", 0):
            job["epochs"] = epoch + 1

    def _resource(self, event: Event, data: Mapping[str, Any]) -> None:
        host = data.get("host")
        host = host if isinstance(host, str) else event["source"].get("host") or ""
        time = self._seconds(event["timestamp"])
        self._gauges(host, None, time, data)
        gpus = data.get("gpus")
        for place, gpu in enumerate(gpus if isinstance(gpus, list) else ()):
            if isinstance(gpu, Mapping):
                index = gpu.get("index")
                self._gauges(host, index if type(index) is int else place, time, gpu)

    def _gauges(self, host: str, gpu: Optional[int], time: float, data: Mapping[str, Any]) -> None:
        for name, value in numbers(data).items():
            if name in _NO_GAUGES:
                continue
            series = self._of(self._resources, Key(host, gpu, name))
            if series is not None:
                series.add(time, value)

    def _start(self, event: Event, data: Mapping[str, Any]) -> None:
        job = self._job(event["job_id"])
        job.update(state="running", started_at=event["timestamp"])
        job.update(ended_at=None, elapsed_s=None, error=None)  # those of an earlier attempt
        job.update({name: _text(data.get(name)) for name in ("model", "dataset")})
        extra = {name: value for name, value in data.items() if name not in ("model", "dataset")}
        if extra:
            job["extra"] = _strict(extra)

    def _end(self, event: Event, data: Mapping[str, Any]) -> None:
        job = self._job(event["job_id"])
        failed = event["event_type"] == "job_failed"
        job.update(state="failed" if failed else "done", ended_at=event["timestamp"])
        job["elapsed_s"] = numbers({"elapsed_s": data.get("elapsed_s")}).get("elapsed_s")
        job["metrics"] = numbers(data.get("metrics"), MAX_SERIES)
        if failed:
            job["error"] = _text(data.get("error"))

    def _batch(self, event: Event, data: Mapping[str, Any]) -> None:
        """It began, or ended: why, where it failed; None takes back what an earlier attempt said."""
        has_failed = event["event_type"] == "batch_failed"
        why = _text(data.get("error")) or _text(data.get("reason")) if has_failed else None
        self._failure = {"failure": why}

    def _env(self, event: Event, data: Mapping[str, Any]) -> None:
        if self._environment is None:  # the first one of a batch wins
            self._environment = _strict(data)

    def _job(self, job_id: str) -> dict[str, Any]:
        if job_id not in self._jobs and len(self._jobs) >= _MAX_JOBS:
            return {}
        return self._jobs.setdefault(job_id, {"job_id": job_id})

    def _line(self, job_id: str, name: str) -> Optional[Series]:
        series = self._of(self._series, Key(job_id, None, name))
        if series is not None:
            self._lines[job_id][name] = series
        return series

    @staticmethod
    def _of(table: dict[Key, Series], key: Key) -> Optional[Series]:
        series = table.get(key)
        if series is None and len(table) < MAX_SERIES:
            series = table[key] = Series()
        return series

    def _seconds(self, timestamp: str) -> float:
        """`2026-04-23T09:23:06.123456Z` as seconds since the epoch."""
        text = timestamp[:19]
        if self._second[0] != text:
            fields = (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19])
            self._second = (text, calendar.timegm(tuple(map(int, fields))))
        return self._second[1] + float(f"0{timestamp[19:-1]}" if len(timestamp) > 20 else 0)


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) else None


def _strict(data: Mapping[str, Any]) -> dict[str, Any]:
    """All of `data` in strict JSON; nothing where it is nested deeper than anybody can read."""
    try:
        strict: dict[str, Any] = strictly_json(data)
    except RecursionError:
        return {}
    return strict


# Numbers that name something rather than measure it.
_NO_GAUGES = frozenset({"pid", "index", "host", "timestamp"})

_STEPS = {
    "job_epoch": Columns._epoch,
    "resource_snapshot": Columns._resource,
    "batch_start": Columns._batch,
    "batch_done": Columns._batch,
    "batch_failed": Columns._batch,
    "job_start": Columns._start,
    "job_done": Columns._end,
    "job_failed": Columns._end,
    "env_snapshot": Columns._env,
}
