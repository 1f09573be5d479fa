"""What the platform has stored: events, jobs, uploads, the stop flags. Knows nothing of HTTP.

With a file, every event is in it before it is answered, so that a killed platform comes back with
what it had, as the real one does with its database.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional


class Store:
    def __init__(self, path: Optional[str]) -> None:
        self._path = path
        self.clear_memory()
        if path is not None:
            self._load(path)

    def clear_memory(self) -> None:
        self._unwritten: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.uploads: list[dict[str, Any]] = []
        self.duplicates = 0
        self.rejected = 0
        self.stop_all = False
        self.stopped: set[str] = set()
        self._db_ids: dict[str, int] = {}
        self._batches: set[str] = set()
        self._batches_of_job: dict[str, set[str]] = {}

    def clear(self) -> None:
        self.clear_memory()
        if self._path is not None:
            Path(self._path).write_bytes(b"")

    def db_id(self, event_id: str) -> Optional[int]:
        return self._db_ids.get(event_id.lower())

    def add_event(self, event: dict[str, Any]) -> int:
        """Stores a new event. It is safe once `write` was called."""
        self._unwritten.append({"event": event})
        self._add_event(event)
        return len(self.events)

    def write(self) -> None:
        if self._path is not None and self._unwritten:
            with Path(self._path).open("a", encoding="utf-8") as file:
                file.write("".join(f"{json.dumps(entry)}\n" for entry in self._unwritten))
        self._unwritten.clear()

    def add_upload(self, upload: dict[str, Any]) -> int:
        self._unwritten.append({"upload": upload})
        self.uploads.append(upload)
        self.write()
        return len(self.uploads)

    def knows_batch(self, batch_id: str) -> bool:
        return batch_id in self._batches

    def batches_of_job(self, job_id: str) -> set[str]:
        return self._batches_of_job.get(job_id, set())

    def uploaded_bytes(self, job_id: str) -> int:
        return sum(upload["size"] for upload in self.uploads if upload["job_id"] == job_id)

    def stop_requested(self, batch_id: str) -> bool:
        return self.stop_all or batch_id in self.stopped

    def _add_event(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._db_ids[event["event_id"].lower()] = len(self.events)
        if event["event_type"] == "batch_start":
            self._batches.add(event["batch_id"])
        if event["event_type"] == "job_start":
            self._batches_of_job.setdefault(event["job_id"], set()).add(event["batch_id"])

    def _load(self, path: str) -> None:
        file = Path(path)
        text = file.read_bytes() if file.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            file.write_bytes(whole)  # killed in the middle of a write: it was never answered
        for line in whole.splitlines():
            entry = json.loads(line)
            if "event" in entry:
                self._add_event(entry["event"])
            else:
                self.uploads.append(entry["upload"])
