"""A caller's wish to have files uploaded, on its way to the thread that does it."""

from __future__ import annotations

import os
from itertools import islice

from argus.core.interruption import is_interruption
from argus.core.values import bounded_text
from argus.delivery.latch import Latch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BATCH_LABEL = "batch"

_MAX_PATHS = 1_000


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


def path_text(path: Any) -> str | None:
    """The absolute path that `path` means at this moment; None for what is no path."""
    try:
        text = bounded_text(os.fsdecode(path))
        return os.path.abspath(text) if text else None
    except BaseException as error:  # a foreign `__fspath__` may raise anything, SystemExit too
        if is_interruption(error):
            raise
        return None


def path_texts(paths: Any) -> tuple[list[str], int]:
    """The paths in a sequence, and how many mistakes were put right or left out.

    A single path is taken for itself: its letters are paths too, and `/` among them would mean the
    whole machine.
    """
    if paths is None:
        return [], 0
    alone = path_text(paths)
    if alone is not None:
        return [alone], 1
    try:
        found = [path_text(path) for path in islice(paths, _MAX_PATHS)]
    except BaseException as error:  # a foreign `__iter__` may raise anything, SystemExit too
        if is_interruption(error):
            raise
        return [], 1
    good = [path for path in found if path is not None]
    return good, len(found) - len(good)
