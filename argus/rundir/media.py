"""`media.jsonl`: the artifacts of a run, and which of them the platform has.

Append-only, one line for each change, the last one about an artifact wins: a run with thousands of
figures would rewrite its list thousands of times otherwise. The thread that uploads writes it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from argus.core.jsonl import LineSplitter, parsed_object
from argus.rundir import files, layout

_READ_BYTES = 262_144
_MAX_LINE_BYTES = 1_048_576  # no artifact takes a tenth of it

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

    def mark_in(self, directory: Path) -> str:
        """What tells it from the others of the run in `directory`, wherever that stands by now."""
        inside = f"{directory}{os.sep}"
        path = self.path[len(inside) :] if self.path.startswith(inside) else self.path
        return f"{self.job_id or ''} {path}"


class MediaList:
    """The artifacts of one run directory."""

    def __init__(self, directory: Path, private: bool) -> None:
        self._path = directory / layout.MEDIA
        self._private = private
        self._path_guard = threading.Lock()  # guards the path and what was noted
        self._noted: dict[Artifact, None] = {}  # pending ones, by this process

    def note(self, artifact: Artifact, state: str, reason: str | None = None) -> None:
        """Remember the state of an artifact. Raises OSError where the disk refuses."""
        with self._path_guard:
            if state == PENDING:
                self._noted[artifact] = None
            else:
                self._noted.pop(artifact, None)
            files.append_lines(self._path, [_line(artifact, state, reason)], self._private)

    def every(self) -> list[Artifact]:
        """All artifacts that were ever noted, in the order in which they came."""
        documents = (parsed_object(line) or {} for line in self._lines())
        return [each for each in dict.fromkeys(map(_artifact, documents)) if each is not None]

    def pending(self) -> list[Artifact]:
        """The artifacts that the platform does not have, in the order in which they came."""
        pending: dict[Artifact, None] = {}
        for line in self._lines():
            document = parsed_object(line)
            artifact = _artifact(document) if document is not None else None
            if artifact is None or document is None:
                continue
            if document.get("state") == PENDING:
                pending[artifact] = None
            else:
                pending.pop(artifact, None)
        return list(pending)

    def move_to(self, directory: Path) -> None:
        """Go on in another directory, with what this process has noted and not delivered.

        Raises OSError where the disk refuses.
        """
        with self._path_guard:
            path = directory / layout.MEDIA
            if self._noted:
                lines = [_line(artifact, PENDING, None) for artifact in self._noted]
                files.append_lines(path, lines, self._private)
            self._path = path

    def _lines(self) -> Iterator[bytes]:
        try:
            fd = files.open_read(self._path)
        except OSError:
            return
        splitter = LineSplitter(_MAX_LINE_BYTES)
        with os.fdopen(fd, "rb") as file:
            while chunk := file.read(_READ_BYTES):
                yield from splitter.feed(chunk)


def _line(artifact: Artifact, state: str, reason: str | None) -> bytes:
    document = {**artifact._asdict(), "state": state}
    if reason:
        document["reason"] = reason
    # ASCII: a file name need not be UTF-8, and only escapes bring such a one back unharmed.
    return json.dumps(document).encode("ascii")


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
