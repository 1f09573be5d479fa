"""How a run ended, as far as its event file and its sidecar tell, and the words it had no time for.

Pure. A run whose process was killed is shown as running for ever, unless somebody says that it is
not: that is done here, with what is known, and with ids that two who do it have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Optional

from argus.core.events import utc_second
from argus.core.jsonl import looks_like_ours, own_event_type, parsed_object
from argus.core.schema import SCHEMA_VERSION
from argus.core.state import CRASHED
from argus.core.statuses import RUNNING
from argus.sync.foreign import derived_id, encoded

_BATCH_ENDS = ("batch_done", "batch_failed")
_JOB_ENDS = ("job_done", "job_failed")
_STEPS = frozenset(("batch_start", "job_start", *_BATCH_ENDS, *_JOB_ENDS))
_MAX_LINE_CHARS = 1_000

Event = dict[str, Any]


class Story:
    """What an event file says of the course of its run, one line after the other."""

    def __init__(self) -> None:
        self.batch: Optional[Event] = None  # its batch_start
        self.has_ended = False
        self.open_jobs: dict[str, Event] = {}  # their job_start
        self.n_done = 0
        self.n_failed = 0
        self._ended_jobs: set[str] = set()
        self._last = b""
        self._last_log = b""

    def recall(self, described: Mapping[str, Any]) -> None:
        """Add what only the sidecar knows any more: a file that is not kept loses its beginning,
        once that is delivered. To be called when all is read."""
        if self.batch is not None or described.get("is_started") is not True:
            return
        self.batch = {"timestamp": described.get("started_at")}
        jobs = described.get("jobs")
        for job in jobs if isinstance(jobs, list) else ():
            job_id = job.get("job_id") if isinstance(job, dict) else None
            if not isinstance(job_id, str) or job_id in self._ended_jobs:
                continue
            if job.get("state") == RUNNING:
                self.open_jobs.setdefault(job_id, {})

    def read(self, lines: Iterable[bytes]) -> None:
        """Take lines in, the oldest first."""
        for line in lines:
            if not looks_like_ours(line):
                continue
            self._last = line
            event_type = own_event_type(line)
            if event_type == "log_line":
                self._last_log = line
            elif event_type in _STEPS:
                self._step(event_type, parsed_object(line) or {})

    def _step(self, event_type: str, event: Event) -> None:
        job_id = str(event.get("job_id"))
        if event_type == "batch_start":
            self.batch = self.batch or event
            self.has_ended = False  # a restart revives it
        elif event_type in _BATCH_ENDS:
            self.has_ended = True
        elif event_type == "job_start":
            self.open_jobs[job_id] = event
        else:
            self.open_jobs.pop(job_id, None)
            self._ended_jobs.add(job_id)
            self.n_done += event_type == "job_done"
            self.n_failed += event_type == "job_failed"

    @property
    def last_event(self) -> Event:
        """The last event; empty where there is none that can be read."""
        return parsed_object(self._last) or {}

    @property
    def last_log(self) -> Optional[str]:
        """The last line that the run logged itself."""
        data = (parsed_object(self._last_log) or {}).get("data")
        line = data.get("line") if isinstance(data, dict) else None
        is_said = isinstance(line, str) and line != "heartbeat"
        return line[:_MAX_LINE_CHARS] if is_said and isinstance(line, str) else None


def last_words(
    story: Story, described: Mapping[str, Any], heartbeat_at: float | None, attempt_is_last: bool
) -> list[bytes]:
    """The events that a dead writer owes: an end for each open job, and one for the batch where it
    began it and no later attempt goes on with it. `described` is its sidecar; `heartbeat_at` its
    last sign of life, in seconds since the epoch."""
    if story.has_ended or not attempt_is_last:
        return []
    last = story.last_event
    source = last.get("source")
    heartbeat = utc_second(heartbeat_at) + "Z" if heartbeat_at is not None else None
    seen_at = max(filter(None, (heartbeat, last.get("timestamp"))), default=None)
    if seen_at is None or not isinstance(source, dict):
        return []
    facts = {
        "host": described.get("host"),
        "pid": described.get("pid"),
        "last_heartbeat": heartbeat,
        "last_event": last.get("event_type"),
        "last_event_at": last.get("timestamp"),
        "last_log_line": story.last_log,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    known.update(error=_error(known, seen_at), reason=CRASHED, exit="unknown")
    maker = _Maker(last, source, seen_at, f"{described.get('host')} {described.get('pid')}")
    lines = [
        maker.event("job_failed", job_id, {"status": "FAILED", **_elapsed(start, seen_at), **known})
        for job_id, start in story.open_jobs.items()
    ]
    if story.batch is not None:
        counts = {"n_done": story.n_done, "n_failed": story.n_failed + len(story.open_jobs)}
        elapsed = _elapsed(story.batch, seen_at, "total_elapsed_s")
        lines.append(maker.event("batch_failed", None, {**counts, **elapsed, **known}))
    return lines


class _Maker:
    """Makes events of one run, at one time; `writer` is part of their ids."""

    def __init__(self, last: Event, source: Event, timestamp: str, writer: str) -> None:
        self._batch_id = str(last.get("batch_id"))
        self._source = source
        self._timestamp = timestamp
        # Of the last event there is one in the world, whatever the sidecar says by now.
        self._of = (self._batch_id, str(last.get("event_id")), writer)

    def event(self, event_type: str, job_id: str | None, data: Event) -> bytes:
        return encoded(
            {
                "event_id": derived_id(*self._of, event_type, job_id or ""),
                "schema_version": SCHEMA_VERSION,
                "event_type": event_type,
                "timestamp": self._timestamp,
                "batch_id": self._batch_id,
                "job_id": job_id,
                "source": self._source,
                "data": data,
            }
        )


def _error(known: Mapping[str, Any], seen_at: str) -> str:
    who = f"process {known.get('pid', 'of unknown id')} on {known.get('host', 'an unknown host')}"
    return (
        f"{who} ended without a word; its last sign of life was at {seen_at}, "
        f"its last event {known.get('last_event')}, its exit code is unknown"
    )


def _elapsed(start: Event, until: str, name: str = "elapsed_s") -> dict[str, float]:
    began, ended = _seconds(start.get("timestamp")), _seconds(until)
    if began is None or ended is None or ended < began:
        return {}
    return {name: round(ended - began, 3)}


def _seconds(timestamp: Any) -> float | None:
    try:
        return datetime.fromisoformat(f"{str(timestamp).rstrip('Z')}+00:00").timestamp()
    except ValueError:
        return None
