"""What the tests of the transport ask of a client, and how they take its answers apart."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argus.core.verdicts import Answer, NetworkFailure, Reply
from argus.transport.address import EVENTS_PATH
from argus.transport.client import HttpClient
from argus.transport.multipart import FileForm
from argus.transport.patience import Patience
from tests.platform.client import event

TOKEN = "em_live_a-token_of-the_tests"
TIMEOUT_S = 10.0
SHORT_S = 0.12  # of a request that is meant to run out of time
# What a test may take beyond the timeout that it gave, on a busy machine.
GRACE_S = 1.0


def nothing_meanwhile(_: Patience) -> None:
    """There is nothing else to do."""


def batch(*events: dict[str, Any]) -> bytes:
    return json.dumps({"events": events or [event()]}).encode()


def send(client: HttpClient, *events: dict[str, Any], timeout_s: float = TIMEOUT_S) -> Answer:
    return client.request("POST", EVENTS_PATH, batch(*events), timeout_s)


def reply_of(answer: Answer) -> Reply:
    assert isinstance(answer, Reply), answer
    return answer


def failure_of(answer: Answer) -> NetworkFailure:
    assert isinstance(answer, NetworkFailure), answer
    return answer


@contextmanager
def form_of(size: int, name: str = "plot.png", **fields: str) -> Iterator[FileForm]:
    """A form with a sparse file of `size` bytes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        with path.open("wb") as file:
            file.truncate(size)
        with path.open("rb") as file:
            yield FileForm(file, path, fields, "b" * 32)


@contextmanager
def ends_after(timeout_s: float) -> Iterator[None]:
    """Fails where the block takes much longer than that, or ends much too early."""
    began = time.monotonic()
    yield
    assert timeout_s * 0.9 <= time.monotonic() - began < timeout_s + GRACE_S
