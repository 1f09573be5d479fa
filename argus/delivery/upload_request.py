"""A caller's wish to have files uploaded, on its way to the thread that does it."""

from __future__ import annotations

from argus.delivery.latch import Latch

BATCH_LABEL = "batch"


class UploadRequest:
    """Files below `path` that match `glob`, for a job, or for the batch where `label` is "batch":
    then `job_id` is the job that takes them on platforms whose batches take no files.

    `done` is set when nothing more will happen before the caller goes on; `uploaded` counts.
    """

    __slots__ = ("batch_id", "done", "glob", "job_id", "label", "path", "uploaded")

    def __init__(
        self, path: str, glob: str, batch_id: str, job_id: str | None, label: str | None
    ) -> None:
        self.path = path
        self.glob = glob
        self.batch_id = batch_id
        self.job_id = job_id
        self.label = label
        self.uploaded = 0
        self.done = Latch()
