"""Artifacts on their way, as the sender sees it: handed over here, uploaded by a thread of their own.

The sender speaks to that thread through a queue; nothing else is shared but counts that one side
writes. The thread starts with the first artifact.
"""

from __future__ import annotations

import queue
import threading

from argus.delivery.channel import Channel
from argus.delivery.upload_request import UploadRequest
from argus.delivery.upload_worker import (
    Accepted,
    Adopted,
    Delivered,
    Message,
    NewClient,
    PlatformAway,
    Stop,
    Worker,
)
from argus.rundir.run import RunDirectory


class Uploader:
    """Uploads for one sender, whose thread calls the methods; the work is done in another."""

    def __init__(self, new_client: NewClient, channel: Channel) -> None:
        self._new_client = new_client
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._given = 0  # errands, counted by the sender's thread
        self._delivered_bytes = 0
        self._worker = Worker(self._messages, channel)

    def accept(self, request: UploadRequest, run: RunDirectory | None, mark: int) -> None:
        """Take a caller's request. `mark`: how many bytes of events come before it."""
        if self._worker.stopping:  # it has ended before its time: nobody shall wait for it
            request.done.set()
            return
        self._give(Accepted(request, run, mark))

    def adopt(self, run: RunDirectory) -> None:
        """Upload what a dead process has left, then let go of its directory."""
        self._give(Adopted(run))

    def delivered(self, size: int) -> None:
        """The first `size` bytes of the own events are delivered."""
        self._delivered_bytes = size
        if self._thread is not None:
            self._messages.put(Delivered(size))

    def give_up_waiting(self) -> None:
        """The platform is away: no caller shall wait for its upload."""
        if self._thread is not None:
            self._messages.put(PlatformAway())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return self._worker.stopping or self._given == self._worker.finished

    def stop(self) -> None:
        """End soon; what is not uploaded stays noted."""
        self._worker.stopping = True
        if self._thread is not None:
            self._messages.put(Stop())

    def _give(self, message: Message) -> None:
        self._given += 1
        self._messages.put(Delivered(self._delivered_bytes))
        self._messages.put(message)
        if self._thread is None:
            thread = threading.Thread(
                target=self._worker.run,
                args=(self._new_client,),
                name="argus-uploader",
                daemon=True,
            )
            try:
                thread.start()
                self._thread = thread
            except RuntimeError as error:  # the interpreter is shutting down, or out of threads
                self._worker.give_up(error)
