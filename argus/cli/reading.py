"""All that the directories of one run hold, read for a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from argus.core.tally import Event
from argus.rundir import layout
from argus.rundir.runs import Run
from argus.rundir.view import dead_letters, read_events
from argus.scanner import logs
from argus.scanner.columns import Columns

_LOG_BYTES = 65_536


def read_run(run: Run) -> dict[str, Any]:
    """Series, jobs, resources and environment as /api/metrics has them, the end of its log, and
    what was refused. Raises OSError."""
    columns = Columns()
    columns.add(events_of(run))
    refused = [letter for view in run.views for letter in dead_letters(view.path)]
    return {**columns.document(), "log": _last_words(run.main.path), "rejected": refused}


def events_of(run: Run) -> Iterator[Event]:
    """The events of all of its directories, the earliest attempt first, each once: a monitor can
    keep what its reporter keeps, too. Raises OSError."""
    views = sorted(run.views, key=lambda view: view.started_at or "")
    events = (event for view in views for event in _events(view.path / layout.EVENTS))
    return events if len(views) == 1 else _each_once(events)


def _events(path: Path) -> Iterator[Event]:
    if path.exists():
        yield from read_events(path)


def _each_once(events: Iterable[Event]) -> Iterator[Event]:
    seen: set[bytes] = set()
    for event in events:
        key = bytes.fromhex(event["event_id"].replace("-", ""))
        if key not in seen:
            seen.add(key)
            yield event


def _last_words(path: Path) -> list[str]:
    """The newest lines: of what it printed where that was kept, else of its log lines."""
    streams = {stream.kind: stream for stream in reversed(logs.streams(path, None))}
    stream = streams.get("console") or streams.get("events")
    if stream is None:
        return []
    text: str = logs.content(stream, _LOG_BYTES if stream.kind == "console" else logs.MAX_BYTES)[
        "text"
    ]
    return text.splitlines()
