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
from argus.rundir.copies import MEDIA_DIR, Copies

_READ_BYTES = 262_144
_MAX_LINE_BYTES = 1_048_576  # no artifact takes a tenth of it

PENDING = "pending"
DELIVERED = "delivered"
REFUSED = "refused"


class Artifact(NamedTuple):
    """A file that belongs to a job, or, with no job of its own, to the batch.

    `source` is where a copy in the run directory was made from; its name is the file's.
    """

    path: str
    size: int
    batch_id: str
    job_id: Optional[str]
    label: Optional[str]
    source: Optional[str] = None


class MediaList:
    """The artifacts of one run directory.

    A copy in it is noted relative to it (`media/0001-loss.png`), since the directory may be moved,
    to another machine too; `pending` and `absolute` say where it is now.
    """

    def __init__(self, directory: Path, private: bool) -> None:
        self._directory = Path(os.path.abspath(directory))
        self._copies = Copies(self._directory)
        self._private = private
        self._path_guard = threading.Lock()  # guards the path and what was noted
        self._noted: dict[Artifact, None] = {}  # pending ones, by this process

    def note(self, artifact: Artifact, state: str, reason: str | None = None) -> None:
        """Remember the state of an artifact. Raises OSError where the disk refuses."""
        with self._path_guard:
            artifact = self._relative(artifact)
            if state == PENDING:
                self._noted[artifact] = None
            else:
                self._noted.pop(artifact, None)
            path = self._directory / layout.MEDIA
            files.append_lines(path, [_line(artifact, state, reason)], self._private)

    def copied(self, artifact: Artifact) -> Artifact:
        """The artifact as a copy of its file in the run directory: for a run that is kept, and the
        thread that uploads. Raises OSError where there can be none."""
        copy = self._copies.add(artifact.path)
        return artifact._replace(path=copy.path, size=copy.size, source=artifact.path)

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
        return [self.absolute(artifact) for artifact in pending]

    def absolute(self, artifact: Artifact) -> Artifact:
        """The artifact with the path where its file is now."""
        if not artifact.path.startswith(f"{MEDIA_DIR}/"):
            return artifact
        return artifact._replace(path=str(self._directory / artifact.path))

    def move_to(self, directory: Path) -> None:
        """Go on in another directory, with what this process has noted and not delivered.

        Raises OSError where the disk refuses.
        """
        with self._path_guard:
            if self._noted:
                lines = [_line(artifact, PENDING, None) for artifact in self._noted]
                files.append_lines(directory / layout.MEDIA, lines, self._private)
            self._directory = Path(os.path.abspath(directory))
            self._copies = Copies(self._directory)
            for artifact in self._noted:
                if artifact.source is not None:  # its copy went with the old directory
                    self._copies.restore(artifact.path, artifact.source)

    def _relative(self, artifact: Artifact) -> Artifact:
        inside = f"{self._directory / MEDIA_DIR}{os.sep}"
        if not artifact.path.startswith(inside):
            return artifact
        return artifact._replace(path=f"{MEDIA_DIR}/{artifact.path[len(inside) :]}")

    def _lines(self) -> Iterator[bytes]:
        try:
            fd = files.open_read(self._directory / layout.MEDIA)
        except OSError:
            return
        splitter = LineSplitter(_MAX_LINE_BYTES)
        with os.fdopen(fd, "rb") as file:
            while chunk := file.read(_READ_BYTES):
                yield from splitter.feed(chunk)


def _line(artifact: Artifact, state: str, reason: str | None) -> bytes:
    document = {**artifact._asdict(), "state": state}
    if artifact.source is None:
        del document["source"]
    if reason:
        document["reason"] = reason
    # ASCII: a file name need not be UTF-8, and only escapes bring such a one back unharmed.
    return json.dumps(document).encode("ascii")


def _artifact(document: dict[str, object]) -> Artifact | None:
    path, size, batch_id = document.get("path"), document.get("size"), document.get("batch_id")
    job_id, label = document.get("job_id"), document.get("label")
    source = document.get("source")
    if not isinstance(path, str) or not isinstance(size, int) or not isinstance(batch_id, str):
        return None
    return Artifact(
        path,
        size,
        batch_id,
        job_id if isinstance(job_id, str) else None,
        label if isinstance(label, str) else None,
        source if isinstance(source, str) else None,
    )
