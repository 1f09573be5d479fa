"""Artifacts on their way: one thread that uploads them, started with the first of them.

Each artifact is noted in `media.jsonl` before anything else happens to it, and goes once the events
that were reported before it have been delivered, so that the platform knows its job. The sender
speaks to this thread through a queue; nothing else is shared but counts that one side writes.
"""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Optional, Union

from argus.core.backoff import Backoff
from argus.core.verdicts import Answer, NetworkFailure, Reply, UploadVerdict, judge_upload
from argus.delivery.channel import Channel
from argus.delivery.upload_request import BATCH_LABEL, UploadRequest
from argus.rundir.media import DELIVERED, PENDING, REFUSED, Artifact
from argus.rundir.run import RunDirectory
from argus.transport.address import batch_artifacts_path, job_artifacts_path
from argus.transport.client import HttpClient
from argus.transport.multipart import MIME_TYPES, FileForm
from argus.transport.patience import Patience

_BASE_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 100_000.0
_MAX_TRIES = 8  # of one artifact on a platform that answers; a later run may have more luck
_LONGEST_WAIT_S = 3_600.0

NewClient = Callable[[Callable[[Patience], None]], Optional[HttpClient]]


class _Accepted(NamedTuple):
    request: UploadRequest
    run: Optional[RunDirectory]
    mark: int


class _Adopted(NamedTuple):
    run: RunDirectory


class _Delivered(NamedTuple):
    size: int


class _PlatformAway(NamedTuple):
    pass


class _Stop(NamedTuple):
    pass


_Message = Union[_Accepted, _Adopted, _Delivered, _PlatformAway, _Stop]


class _Parcel:
    """An artifact in hand. It may go once `mark` bytes of the own events are delivered."""

    __slots__ = ("artifact", "errand", "mark", "tries")

    def __init__(self, artifact: Artifact, errand: _Errand, mark: int) -> None:
        self.artifact = artifact
        self.errand = errand
        self.mark = mark
        self.tries = 0


class _Errand:
    """Artifacts that came together, the run that they are noted in, and who waits for them."""

    __slots__ = ("adopted", "left", "request", "run")

    def __init__(
        self, run: RunDirectory | None, request: UploadRequest | None, adopted: bool
    ) -> None:
        self.run = run
        self.request = request
        self.adopted = adopted
        self.left = 0


class Uploader:
    """Uploads for one sender, whose thread calls the methods; the work is done in another."""

    def __init__(self, new_client: NewClient, channel: Channel) -> None:
        self._new_client = new_client
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._given = 0  # errands, counted by the sender's thread
        self._delivered_bytes = 0
        self._worker = _Worker(self._messages, channel)

    def accept(self, request: UploadRequest, run: RunDirectory | None, mark: int) -> None:
        """Take a caller's request. `mark`: how many bytes of events come before it."""
        self._give(_Accepted(request, run, mark))

    def adopt(self, run: RunDirectory) -> None:
        """Upload what a dead process has left, then let go of its directory."""
        self._give(_Adopted(run))

    def delivered(self, size: int) -> None:
        """The first `size` bytes of the own events are delivered."""
        self._delivered_bytes = size
        if self._thread is not None:
            self._messages.put(_Delivered(size))

    def give_up_waiting(self) -> None:
        """The platform is away: no caller shall wait for its upload."""
        if self._thread is not None:
            self._messages.put(_PlatformAway())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return self._given == self._worker.finished

    def stop(self) -> None:
        """End soon; what is not uploaded stays noted."""
        self._worker.stopping = True
        if self._thread is not None:
            self._messages.put(_Stop())

    def _give(self, message: _Message) -> None:
        self._given += 1
        self._messages.put(_Delivered(self._delivered_bytes))
        self._messages.put(message)
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._worker.run,
                args=(self._new_client,),
                name="argus-uploader",
                daemon=True,
            )
            self._thread.start()


class _Worker:
    """The uploading thread and its state."""

    def __init__(self, messages: queue.SimpleQueue[_Message], channel: Channel) -> None:
        self._messages = messages
        self._channel = channel
        self._notices = channel.notices
        self._parcels: deque[_Parcel] = deque()
        self._errands: list[_Errand] = []
        self._delivered_bytes = 0
        self._backoff = Backoff(1.0, 30.0, random.Random(os.urandom(8)).random)
        self._client: HttpClient | None = None
        self.finished = 0  # errands
        self.stopping = False

    def run(self, new_client: NewClient) -> None:
        try:
            self._client = new_client(self._meanwhile)
            while not self.stopping:
                self._listen()
                self._upload_next()
        except Exception as error:
            self._notices.warn("uploads", "uploads have ended because of an error: %r", error)
        finally:
            self._let_go()

    def _listen(self) -> None:
        """Take in what the sender has to say; wait for it where there is nothing to upload."""
        wait_s = _LONGEST_WAIT_S
        if self._ready() is not None:
            wait_s = max(self._backoff.not_before - time.monotonic(), 0.0)
        try:
            message = self._messages.get(timeout=wait_s)
            while True:
                self._handle(message)
                message = self._messages.get_nowait()
        except queue.Empty:
            pass

    def _handle(self, message: _Message) -> None:
        if isinstance(message, _Delivered):
            self._delivered_bytes = message.size
        elif isinstance(message, _PlatformAway):
            self._free_callers()
        elif isinstance(message, _Accepted):
            self._pack(message)
        elif isinstance(message, _Adopted):
            errand = _Errand(message.run, None, adopted=True)
            self._line_up(errand, message.run.media.pending(), mark=0)

    def _pack(self, message: _Accepted) -> None:
        """Note each file of a request, then line it up."""
        request = message.request
        errand = _Errand(message.run, request, adopted=False)
        artifacts = []
        try:
            for path, size in matching_files(Path(request.path), request.glob):
                artifact = Artifact(
                    str(path), size, request.batch_id, request.job_id, request.label
                )
                self._note(errand, artifact, PENDING)
                artifacts.append(artifact)
        except (OSError, ValueError, NotImplementedError) as error:
            self._notices.mistake("upload: %s cannot be listed: %s", request.path, error)
        self._line_up(errand, artifacts, message.mark)

    def _line_up(self, errand: _Errand, artifacts: list[Artifact], mark: int) -> None:
        self._errands.append(errand)
        errand.left = len(artifacts)
        self._parcels += [_Parcel(artifact, errand, mark) for artifact in artifacts]
        if not errand.left or self._client is None:
            self._finish(errand)

    def _ready(self) -> _Parcel | None:
        if self._client is None or not self._parcels:
            return None
        parcel = self._parcels[0]
        return parcel if parcel.mark <= self._delivered_bytes else None

    def _upload_next(self) -> None:
        parcel = self._ready()
        if parcel is None or self.stopping or time.monotonic() < self._backoff.not_before:
            return
        self._parcels.popleft()
        try:
            verdict = judge_upload(self._send(parcel.artifact), time.time())
        except OSError as error:
            verdict = UploadVerdict(refused=f"the file cannot be read: {error.strerror}")
        self._carry_out(parcel, verdict)

    def _carry_out(self, parcel: _Parcel, verdict: UploadVerdict) -> None:
        errand = parcel.errand
        if verdict.delivered:
            self._backoff.succeeded()
            self._note(errand, parcel.artifact, DELIVERED)
            self._channel.uploaded += 1
            if errand.request is not None:
                errand.request.uploaded += 1
        elif verdict.refused is not None:
            self._note(errand, parcel.artifact, REFUSED, verdict.refused)
            self._notices.warn(
                "artifact", "%s was not uploaded: %s", parcel.artifact.path, verdict.refused
            )
        else:
            self._backoff.failed(time.monotonic(), verdict.wait_s)
            parcel.tries += not verdict.absent
            if verdict.absent:
                self._free_callers()
            if parcel.tries < _MAX_TRIES:
                self._parcels.append(parcel)
                return
        errand.left -= 1
        if not errand.left:
            self._finish(errand)

    def _send(self, artifact: Artifact) -> Answer:
        with Path(artifact.path).open("rb") as file:
            fields = {"label": artifact.label} if artifact.label else {}
            form = FileForm(file, Path(artifact.path), fields, os.urandom(16).hex())
            if artifact.label == BATCH_LABEL:
                answer = self._post(batch_artifacts_path(artifact.batch_id), form)
                if not isinstance(answer, Reply) or answer.status not in (404, 405):
                    return answer
                # Platform 0.3 knows no artifacts of a batch: its latest job takes them.
            if artifact.job_id is None:
                return Reply(422, b"the batch has no job that could take it")
            return self._post(job_artifacts_path(artifact.job_id), form)

    def _post(self, path: str, form: FileForm) -> Answer:
        timeout_s = _BASE_TIMEOUT_S + form.size / _SLOWEST_BYTES_PER_S
        if self._client is None:
            return NetworkFailure("there is no platform")
        return self._client.request("POST", path, form, timeout_s)

    def _note(
        self, errand: _Errand, artifact: Artifact, state: str, reason: str | None = None
    ) -> None:
        if errand.run is not None:
            try:
                errand.run.media.note(artifact, state, reason)
            except OSError as error:
                self._notices.debug("%s could not be noted: %s", artifact.path, error)

    def _finish(self, errand: _Errand) -> None:
        self._errands.remove(errand)
        if errand.request is not None:
            errand.request.done.set()
        if errand.adopted and errand.run is not None:
            try:
                errand.run.finish()
            except OSError as error:
                self._notices.debug("%s could not be removed: %s", errand.run.path, error)
        self.finished += 1

    def _free_callers(self) -> None:
        for errand in self._errands:
            if errand.request is not None:
                errand.request.done.set()

    def _let_go(self) -> None:
        self.stopping = True
        self._free_callers()
        adopted = [errand.run for errand in self._errands if errand.adopted]
        while not self._messages.empty():
            message = self._messages.get()
            if isinstance(message, _Adopted):
                adopted.append(message.run)
            elif isinstance(message, _Accepted):
                message.request.done.set()
        for run in adopted:
            if run is not None:
                run.release()
        if self._client is not None:
            self._client.close()

    def _meanwhile(self, patience: Patience) -> None:
        if self.stopping:
            patience.until(time.monotonic())


def matching_files(path: Path, glob: str) -> Iterator[tuple[Path, int]]:
    """The files that `path` stands for, of the types that a platform takes, with their sizes."""
    found = sorted(path.glob(glob)) if path.is_dir() else [path]
    for file in found:
        if file.suffix.lower() in MIME_TYPES and file.is_file():
            yield file.absolute(), file.stat().st_size
