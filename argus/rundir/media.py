"""`media.jsonl`: the artifacts of a run, and which of them the platform has.

Append-only, one line for each change, the last one about an artifact wins: a run with thousands of
figures would rewrite its list thousands of times otherwise. Owned by the thread that uploads.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple, Optional

from argus.core.jsonl import LineSplitter, parsed_object
from argus.rundir import files, layout

PENDING = "pending"
DELIVERED = "delivered"
REFUSED = "refused"


class Artifact(NamedTuple):
    """A file that belongs to a job, or, with no job of its own, to the batch."""

    path: str
    size: int
    batch_id: str
    job_id: Optional[str]
    label: Optional[str]


class MediaList:
    """The artifacts of one run directory."""

    def __init__(self, directory: Path, private: bool) -> None:
        self._path = directory / layout.MEDIA
        self._private = private

    def note(self, artifact: Artifact, state: str, reason: str | None = None) -> None:
        """Remember the state of an artifact. Raises OSError where the disk refuses."""
        line = {**artifact._asdict(), "state": state}
        if reason:
            line["reason"] = reason
        # ASCII: a file name need not be UTF-8, and only escapes bring such a one back unharmed.
        data = json.dumps(line).encode("ascii")
        files.append_lines(self._path, [data], self._private)

    def pending(self) -> list[Artifact]:
        """The artifacts that the platform does not have, in the order in which they came."""
        states: dict[Artifact, str] = {}
        for line in self._lines():
            document = parsed_object(line)
            artifact = _artifact(document) if document is not None else None
            if artifact is not None and document is not None:
                states[artifact] = str(document.get("state"))
        return [artifact for artifact, state in states.items() if state == PENDING]

    def _lines(self) -> list[bytes]:
        try:
            fd = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            return []
        with os.fdopen(fd, "rb") as file:
            return LineSplitter().feed(file.read())


def _artifact(document: dict[str, object]) -> Artifact | None:
    path, size, batch_id = document.get("path"), document.get("size"), document.get("batch_id")
    job_id, label = document.get("job_id"), document.get("label")
    if not isinstance(path, str) or not isinstance(size, int) or not isinstance(batch_id, str):
        return None
    return Artifact(
        path,
        size,
        batch_id,
        job_id if isinstance(job_id, str) else None,
        label if isinstance(label, str) else None,
    )
