"""One artifact on its way: which files are artifacts, and how the platform takes one."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from argus.core.verdicts import Answer, Reply, UploadVerdict, judge_upload
from argus.delivery.upload_request import BATCH_LABEL
from argus.rundir.media import Artifact
from argus.transport.address import batch_artifacts_path, job_artifacts_path
from argus.transport.client import HttpClient
from argus.transport.multipart import MIME_TYPES, FileForm, UnreadableFileError

_BASE_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 100_000.0


def matching_files(path: Path, glob: str) -> Iterator[tuple[Path, int]]:
    """The files that `path` stands for, of the types that a platform takes, with their sizes."""
    found = sorted(path.glob(glob)) if path.is_dir() else [path]
    for file in found:
        if file.suffix.lower() in MIME_TYPES and file.is_file():
            yield file.absolute(), file.stat().st_size


def upload(client: HttpClient, artifact: Artifact) -> UploadVerdict:
    """Send one artifact, streamed from its file."""
    try:
        with open(artifact.path, "rb", opener=_open_now) as file:
            fields = {"label": artifact.label} if artifact.label else {}
            form = FileForm(
                file, Path(artifact.source or artifact.path), fields, os.urandom(16).hex()
            )
            answer = _send(client, artifact, form)
    except OSError as error:
        return UploadVerdict(refused=f"it cannot be read: {error.strerror}")
    except UnreadableFileError as error:
        return UploadVerdict(refused=str(error))
    return judge_upload(answer, time.time())


def _open_now(path: str, flags: int) -> int:
    """Without waiting for the other end, where the file has become a pipe since it was listed."""
    fd = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file")
    return fd


def _send(client: HttpClient, artifact: Artifact, form: FileForm) -> Answer:
    timeout_s = _BASE_TIMEOUT_S + form.size / _SLOWEST_BYTES_PER_S
    if artifact.label == BATCH_LABEL:
        path = batch_artifacts_path(artifact.batch_id)
        answer = client.request("POST", path, form, timeout_s)
        if not isinstance(answer, Reply) or answer.status not in (404, 405):
            return answer
        # Platform 0.3 knows no artifacts of a batch: its latest job takes them.
    if artifact.job_id is None:
        return Reply(422, b"the batch has no job that could take it")
    return client.request("POST", job_artifacts_path(artifact.job_id), form, timeout_s)
