"""Reads the events of a run as they are written: each once, a torn last line only when it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argus.core.jsonl import LineSplitter, parsed_object
from argus.rundir import layout


class Follower:
    """Follows the one run below a directory of runs, from before it exists."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._splitter = LineSplitter()
        self._read_bytes = 0
        self._events: Path | None = None

    @property
    def run_directory(self) -> Path | None:
        """The run that is followed; None as long as there is none."""
        return None if self._events is None else self._events.parent

    def read_new(self) -> list[dict[str, Any]]:
        """The events that have been written since the last call. Raises OSError."""
        if self._events is None:
            self._events = next(self._runs.rglob(layout.EVENTS), None)
        if self._events is None:
            return []
        with open(self._events, "rb") as file:
            file.seek(self._read_bytes)
            chunk = file.read()
        self._read_bytes += len(chunk)
        events = [parsed_object(line) for line in self._splitter.feed(chunk)]
        return [event for event in events if event is not None]
