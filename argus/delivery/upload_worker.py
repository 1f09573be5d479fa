"""The thread that uploads, and what can be said to it.

Each artifact is noted in `media.jsonl` before anything else happens to it, and goes once the events
that were reported before it have been delivered, so that the platform knows its job.
"""

from __future__ import annotations

import os
import queue
import random
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Optional, Union

from argus.core.backoff import Backoff
from argus.core.verdicts import UploadVerdict
from argus.delivery.artifacts import matching_files, upload
from argus.delivery.channel import Channel
from argus.delivery.upload_request import UploadRequest
from argus.rundir.media import DELIVERED, PENDING, REFUSED, Artifact
from argus.rundir.run import RunDirectory
from argus.transport.client import HttpClient
from argus.transport.patience import Patience

_MAX_TRIES = 8  # of one artifact on a platform that answers; a later run may have more luck
_LONGEST_WAIT_S = 3_600.0

NewClient = Callable[[Callable[[Patience], None]], Optional[HttpClient]]


class Accepted(NamedTuple):
    """A caller's request, and how many bytes of events come before it."""

    request: UploadRequest
    run: Optional[RunDirectory]
    mark: int


class Adopted(NamedTuple):
    """A run that a dead process has left, delivered but for its artifacts."""

    run: RunDirectory


class Delivered(NamedTuple):
    """That many bytes of the own events are delivered by now."""

    size: int


class PlatformAway(NamedTuple):
    """No caller shall wait for its upload."""


class Stop(NamedTuple):
    """Wake up and end."""


Message = Union[Accepted, Adopted, Delivered, PlatformAway, Stop]


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


class Worker:
    """The uploading thread and its state. `finished` and `stopping` are all that others look at."""

    def __init__(self, messages: queue.SimpleQueue[Message], channel: Channel) -> None:
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
        """Upload until told to stop."""
        try:
            self._client = new_client(self._meanwhile)
            while not self.stopping:
                self._listen()
                self._upload_next()
        except Exception as error:
            self._notices.warn("uploads", "uploads have ended because of an error: %r", error)
        finally:
            self._let_go()

    def give_up(self, error: RuntimeError) -> None:
        """There is no thread for this: note what is asked for, for a later run, and free callers."""
        self._notices.warn("uploads", "no thread can be started (%s): nothing is uploaded", error)
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

    def _handle(self, message: Message) -> None:
        if isinstance(message, Delivered):
            self._delivered_bytes = message.size
        elif isinstance(message, PlatformAway):
            self._free_callers()
        elif isinstance(message, Accepted):
            self._pack(message)
        elif isinstance(message, Adopted):
            errand = _Errand(message.run, None, adopted=True)
            self._line_up(errand, message.run.media.pending(), mark=0)

    def _pack(self, message: Accepted) -> None:
        """Note each file of a request, then line it up."""
        request = message.request
        errand = _Errand(message.run, request, adopted=False)
        artifacts = []
        try:
            for path, size in matching_files(Path(request.path), request.glob):
                artifact = Artifact(
                    str(path), size, request.batch_id, request.job_id, request.label
                )
                artifact = self._kept(errand, artifact)
                self._note(errand, artifact, PENDING)
                artifacts.append(artifact)
        except Exception as error:  # what pathlib says of a bad pattern differs by version
            self._notices.mistake("upload: %.200s cannot be listed: %.200s", request.path, error)
        self._line_up(errand, artifacts, message.mark)

    def _kept(self, errand: _Errand, artifact: Artifact) -> Artifact:
        """The artifact as the run keeps it: as it is now, where its directory stays."""
        self._channel.handed_in += 1
        if errand.run is None or not errand.run.kept:
            return artifact
        try:
            return errand.run.media.copied(artifact)
        except OSError as error:
            self._notices.debug("%s could not be copied: %s", artifact.path, error)
            return artifact

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
        if parcel is None or self._client is None or self.stopping:
            return
        if time.monotonic() < self._backoff.not_before:
            return
        self._parcels.popleft()
        run, artifact = parcel.errand.run, parcel.artifact
        where = artifact if run is None else run.media.absolute(artifact)
        self._carry_out(parcel, upload(self._client, where))

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
            self._channel.handed_in -= errand.request is not None
            self._notices.warn(
                "artifact", "%s was not uploaded: %s", parcel.artifact.path, verdict.refused
            )
        else:
            self._backoff.failed(time.monotonic(), verdict.wait_s)
            parcel.tries += not verdict.absent
            self._free_callers()  # it will arrive later; nobody waits for that
            if parcel.tries < _MAX_TRIES:
                self._parcels.append(parcel)
                return
        errand.left -= 1
        if not errand.left:
            self._finish(errand)

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
        self._channel.buffer.wake()  # the sender may be waiting for this to end

    def _free_callers(self) -> None:
        for errand in self._errands:
            if errand.request is not None:
                errand.request.done.set()

    def _let_go(self) -> None:
        self.stopping = True
        if self._client is not None:
            self._client.close()
            self._client = None
        self._free_callers()
        adopted = [errand.run for errand in self._errands if errand.adopted]
        while not self._messages.empty():
            message = self._messages.get()
            if isinstance(message, Adopted):
                adopted.append(message.run)
            elif isinstance(message, Accepted):
                self._pack(message)  # with no client any more: it is only noted
        for run in adopted:
            if run is not None:
                run.release()

    def _meanwhile(self, patience: Patience) -> None:
        if self.stopping:
            patience.until(time.monotonic())
