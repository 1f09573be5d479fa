"""How many artifacts a batch has, and how much each of its jobs: read once, then kept up."""

from __future__ import annotations

from pathlib import Path

from argus.core.jsonl import LineSplitter, parsed_object
from argus.rundir import layout
from argus.server.plain import open_plain

_READ_BYTES = 262_144


class Sizes:
    """The sums over `media.jsonl`. A job of None is the batch itself."""

    def __init__(self) -> None:
        self.count = 0
        self._of_job: dict[str | None, int] = {}

    def of(self, job_id: str | None) -> int:
        """The bytes of all files of a job."""
        return self._of_job.get(job_id, 0)

    def add(self, job_id: str | None, size: int) -> None:
        """Count one more file."""
        self.count += 1
        self._of_job[job_id] = self.of(job_id) + size


def read_sizes(directory: Path) -> Sizes:
    """The sums of a run directory. What is damaged in its list is passed over. Raises OSError."""
    sizes, splitter = Sizes(), LineSplitter()
    try:
        file = open_plain(directory / layout.MEDIA)
    except FileNotFoundError:
        return sizes
    with file:
        while chunk := file.read(_READ_BYTES):
            for document in map(parsed_object, splitter.feed(chunk)):
                size = None if document is None else document.get("size")
                job_id = None if document is None else document.get("job_id")
                if isinstance(size, int) and (job_id is None or isinstance(job_id, str)):
                    sizes.add(job_id, size)
    return sizes
